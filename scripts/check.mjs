// The gates. One line each; the output of those that fail. `--report=<file>` also writes the counts as JSON.
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { node, pnpm, root, tool } from './commands.mjs'

/** @typedef {{ name: string, folder: string, tarball: string }} Packed */

/** @type {[name: string, gate: () => Promise<{ code: number, output: string }>][]} */
const gates = [
  ['format', () => tool('oxfmt', 'oxfmt', ['--check'], { quiet: true })],
  ['lint', () => tool('oxlint', 'oxlint', ['--deny-warnings'], { quiet: true })],
  ['types', checkTypes],
  ['dependencies', checkDependencies],
  ['unused', () => tool('knip', 'knip', ['--no-config-hints', '--no-progress'], { quiet: true })],
  ['manifests', checkManifests],
  ['install', checkInstall]
]

const temporary = mkdtempSync(join(tmpdir(), 'sdk-check-'))
process.exitCode = await runGates().finally(() =>
  rmSync(temporary, { recursive: true, force: true, maxRetries: 5 })
)

async function runGates() {
  let failed = 0
  for (const [name, gate] of gates) {
    const started = performance.now()
    const { code, output } = await gate()
    const seconds = ((performance.now() - started) / 1000).toFixed(1)
    console.log(`${code === 0 ? 'ok  ' : 'FAIL'} ${name.padEnd(13)} ${seconds.padStart(5)} s`)
    if (code === 0) continue
    failed++
    console.log(output.trimEnd())
  }
  const report = process.argv.find((arg) => arg.startsWith('--report='))?.slice('--report='.length)
  if (report) writeFileSync(report, JSON.stringify({ passed: gates.length - failed, failed }))
  console.log(failed === 0 ? `All ${gates.length} gates passed` : `${failed} of ${gates.length} gates failed`)
  return failed === 0 ? 0 : 1
}

/** `tsconfig.json` covers sources, tests and benches; `tsconfig.build.json`, the narrower one, was checked by the build. */
async function checkTypes() {
  const projects = ['.', 'bench', ...folders('packages'), ...folders('examples')].filter((folder) =>
    existsSync(resolve(root, folder, 'tsconfig.json'))
  )
  return all(projects, (folder) => tool('typescript', 'tsc', ['-p', folder], { quiet: true }))
}

async function checkDependencies() {
  const scope = ['packages', 'examples', 'bench'].filter((folder) => existsSync(resolve(root, folder)))
  const args = ['--config', '.dependency-cruiser.cjs', '--output-type', 'err-long', ...scope]
  return tool('dependency-cruiser', 'depcruise', args, { quiet: true })
}

async function checkManifests() {
  return all(publicPackages(), async ({ name, folder, tarball }) => {
    const packed = await pnpm(['pack', '--out', tarball], { cwd: resolve(root, folder), quiet: true })
    if (packed.code !== 0) return packed
    const options = { quiet: true, env: { NO_COLOR: '1' } }
    const lint = await tool('publint', 'publint', ['run', tarball, '--strict'], options)
    const types = await tool('@arethetypeswrong/cli', 'attw', [tarball, '--profile', 'esm-only'], options)
    return { code: lint.code || types.code, output: `${name}\n${lint.output}${types.output}` }
  })
}

/** Installs the tarballs where nothing else is, as a user would, and imports them for the compiler and for Node. */
async function checkInstall() {
  const packages = publicPackages()
  const project = join(temporary, 'empty-project')
  mkdirSync(project)
  const manifest = {
    private: true,
    type: 'module',
    dependencies: {
      // The newest hypercore cannot be installed today: docs/decisions/0003-hypercore-pin.md
      ...Object.fromEntries(
        ['hypercore', 'corestore', '@types/node'].map((name) => [name, catalogVersion(name)])
      ),
      ...Object.fromEntries(
        packages.map(({ name, tarball }) => [name, `file:${tarball.replaceAll('\\', '/')}`])
      )
    }
  }
  const tsconfig = {
    extends: resolve(root, 'tsconfig.base.json'),
    compilerOptions: { noEmit: true, types: ['node'], isolatedDeclarations: false },
    include: ['consumer.ts']
  }
  const imports = packages.map(({ name }, i) => `import * as package${i} from '${name}'`)
  const values = packages.map((_, i) => `package${i}`).join(', ')
  const lines = [
    ...imports,
    `for (const names of [${values}]) if (Object.keys(names).length === 0) throw new Error('empty')`
  ]
  writeFileSync(join(project, 'package.json'), JSON.stringify(manifest, null, 2))
  writeFileSync(join(project, 'tsconfig.json'), JSON.stringify(tsconfig, null, 2))
  writeFileSync(join(project, 'consumer.ts'), `${lines.join('\n')}\n`)
  writeFileSync(join(project, 'consumer.js'), `${lines.join('\n')}\n`)

  const options = { cwd: project, quiet: true, env: { CI: 'true' } }
  const installed = await pnpm(['install', '--no-frozen-lockfile', '--prefer-offline'], options)
  if (installed.code !== 0) return installed
  const typed = await tool('typescript', 'tsc', ['-p', project], options)
  const run = await node(['consumer.js'], options)
  return { code: typed.code || run.code, output: typed.output + run.output }
}

/** @returns {Packed[]} */
function publicPackages() {
  return folders('packages').flatMap((folder) => {
    const manifest = JSON.parse(readFileSync(resolve(root, folder, 'package.json'), 'utf8'))
    const file = `${manifest.name.replace('@', '').replace('/', '-')}.tgz`
    return manifest.private ? [] : [{ name: manifest.name, folder, tarball: join(temporary, file) }]
  })
}

/** @param {string} parent */
function folders(parent) {
  if (!existsSync(resolve(root, parent))) return []
  const names = readdirSync(resolve(root, parent))
  return names
    .map((name) => `${parent}/${name}`)
    .filter((folder) => existsSync(resolve(root, folder, 'package.json')))
}

/** @param {string} name */
function catalogVersion(name) {
  const workspace = readFileSync(resolve(root, 'pnpm-workspace.yaml'), 'utf8')
  const line = workspace.split('\n').find((text) => text.trim().replaceAll("'", '').startsWith(`${name}: `))
  if (!line) throw new Error(`${name} is not in the catalog of pnpm-workspace.yaml`)
  return line.slice(line.lastIndexOf(':') + 1).trim()
}

/**
 * @template T
 * @param {T[]} items
 * @param {(item: T) => Promise<{ code: number, output: string }>} check
 */
async function all(items, check) {
  let code = 0
  let output = ''
  for (const item of items) {
    const result = await check(item)
    if (result.code === 0) continue
    code = result.code
    output += result.output
  }
  return { code, output }
}
