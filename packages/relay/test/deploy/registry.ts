import { execFile, spawn } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { type Cleanup, tmpDir, until } from '@cloudpal/test-kit'
import { freePort } from '../free-port.ts'

const execute = promisify(execFile)
const PACKAGE = join(import.meta.dirname, '../..')
/** The last line of Verdaccio that runs on Node 20. What it asks of node-fetch is no version, but a tag, which not every mirror has. */
const MANIFEST = {
  private: true,
  dependencies: { verdaccio: '6.8.0' },
  overrides: { 'node-fetch': '2.7.0' }
}

/** Starts a registry on this machine that has this package, as a release publishes it, and all others from where npm has them. @returns its URL */
export async function startRegistry(cleanup: Cleanup): Promise<string> {
  const dir = await tmpDir({ cleanup })
  await writeFile(join(dir, 'package.json'), JSON.stringify(MANIFEST))
  await execute('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund'], { cwd: dir })
  const port = await freePort()
  const url = `http://127.0.0.1:${port}/`
  const { stdout: upstream } = await execute('npm', ['config', 'get', 'registry'], { cwd: dir })
  await writeFile(join(dir, 'verdaccio.json'), JSON.stringify(configOf(upstream.trim())))
  const words = ['--config', join(dir, 'verdaccio.json'), '--listen', `127.0.0.1:${port}`]
  const child = spawn(process.execPath, [join(dir, 'node_modules/verdaccio/bin/verdaccio'), ...words], {
    cwd: dir,
    stdio: 'ignore'
  })
  cleanup.defer('network', () => child.kill('SIGKILL'))
  const answers = (): Promise<boolean> =>
    fetch(url).then(
      ({ ok }) => ok,
      () => false
    )
  await until(answers)
  await publish(url, dir)
  return url
}

function configOf(upstream: string): object {
  const all = { access: '$all', publish: '$all' }
  return {
    storage: './storage',
    auth: { htpasswd: { file: './htpasswd' } },
    uplinks: { npm: { url: upstream } },
    packages: { '@cloudpal/*': all, '**': { access: '$all', proxy: 'npm' } },
    log: { type: 'stdout', level: 'warn' }
  }
}

/** pnpm packs, because it replaces `catalog:` and `workspace:`. */
async function publish(url: string, dir: string): Promise<void> {
  const tarball = join(dir, 'relay.tgz')
  const root = await readFile(join(PACKAGE, '../../package.json'), 'utf8')
  const { packageManager } = JSON.parse(root) as { packageManager: string }
  await execute('npx', ['--yes', packageManager, 'pack', '--out', tarball], { cwd: PACKAGE })
  // npm wants to know who publishes; the registry does not.
  await writeFile(join(dir, '.npmrc'), `//${new URL(url).host}/:_authToken=nobody\n`)
  await execute('npm', ['publish', tarball, '--registry', url], { cwd: dir })
}
