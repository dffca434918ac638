// Compiles src/ to dist/ in every package that publishes one.
import { existsSync, readdirSync, rmSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { root, tool } from './commands.mjs'

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  if (!(await buildPackages())) process.exit(1)
}

/** @returns whether all of them compiled */
export async function buildPackages() {
  let ok = true
  for (const name of readdirSync(resolve(root, 'packages'))) {
    const folder = resolve(root, 'packages', name)
    if (!existsSync(join(folder, 'tsconfig.build.json'))) continue
    removeOrphans(join(folder, 'src'), join(folder, 'dist'))
    const { code } = await tool('typescript', 'tsc', ['-p', join(folder, 'tsconfig.build.json')])
    ok = ok && code === 0
  }
  return ok
}

/**
 * Deletes output whose source is gone; the rest is overwritten in place, so that running programs keep it.
 *
 * @param {string} src
 * @param {string} dist
 */
function removeOrphans(src, dist) {
  if (!existsSync(dist)) return
  for (const file of readdirSync(dist, { recursive: true, encoding: 'utf8' })) {
    const source = file.replace(/(\.d\.ts|\.js)(\.map)?$/, '.ts')
    if (!existsSync(join(src, source))) rmSync(join(dist, file), { recursive: true, force: true })
  }
}
