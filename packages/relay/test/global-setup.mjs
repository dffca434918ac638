import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'

const folder = resolve(import.meta.dirname, '..')

/** Processes in tests run what is built, and so does what `imports` maps to `dist`: it is built anew where something has changed since. */
export function setup() {
  if (newest('src') < newest('dist')) return
  const { status } = spawnSync(process.execPath, [join(folder, '../../scripts/build.mjs')], {
    stdio: 'inherit'
  })
  if (status !== 0) console.warn('It does not compile: processes run what there is.')
}

/**
 * @param {string} name
 * @returns {number} when the last of its files was written; 0 where there is none
 */
function newest(name) {
  const top = join(folder, name)
  if (!existsSync(top)) return 0
  const files = readdirSync(top, { recursive: true, encoding: 'utf8' })
  return files.reduce((last, file) => Math.max(last, statSync(join(top, file)).mtimeMs), 0)
}
