// Publishes every package whose version the registry does not have yet, then tags it. Runs in continuous integration.
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { npm, pnpm, root, tool } from './commands.mjs'

const { GITHUB_SERVER_URL: server, GITHUB_REPOSITORY: repository } = process.env
if (!server || !repository)
  throw new Error('Releases are made by the release workflow, which proves where they come from')

const temporary = mkdtempSync(join(tmpdir(), 'sdk-release-'))
try {
  for (const name of readdirSync(resolve(root, 'packages'))) await publish(`packages/${name}`)
  succeed(await tool('@changesets/cli', 'changeset', ['tag']))
} finally {
  rmSync(temporary, { recursive: true, force: true })
}

/** @param {string} directory */
async function publish(directory) {
  const cwd = resolve(root, directory)
  if (!existsSync(join(cwd, 'package.json'))) return
  const { name, version, private: isPrivate } = JSON.parse(readFileSync(join(cwd, 'package.json'), 'utf8'))
  if (isPrivate || version === '0.0.0') return
  const known = await npm(['view', `${name}@${version}`, 'version'], { quiet: true })
  if (known.code === 0 && known.output.includes(version)) return

  // Provenance is refused unless the manifest names the repository that the workflow runs in.
  const url = `git+${server}/${repository}.git`
  const fields = ['repository.type=git', `repository.url=${url}`, `repository.directory=${directory}`]
  succeed(await npm(['pkg', 'set', ...fields], { cwd }))
  // pnpm packs, because it replaces `catalog:` and `workspace:`; npm publishes, because it attests.
  const tarball = join(temporary, `${directory.replace('/', '-')}.tgz`)
  succeed(await pnpm(['pack', '--out', tarball], { cwd }))
  succeed(await npm(['publish', tarball, '--provenance', '--access', 'public']))
}

/** @param {{ code: number }} result */
function succeed({ code }) {
  if (code !== 0) throw new Error('The release stopped: see above')
}
