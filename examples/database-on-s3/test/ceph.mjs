import { execFile, execFileSync } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const START = fileURLToPath(new URL('../../../packages/s3-archiver/test/ceph/start.sh', import.meta.url))

export const CREDENTIALS = { accessKeyId: 'TESTKEY', secretAccessKey: 'TESTSECRETTESTSECRET' }

/**
 * Whether the commands are installed; says so when they are not. CI demands it: `REQUIRE_CEPH=1`.
 *
 * @param {...string} commands
 */
export function isInstalled(...commands) {
  if (process.env['REQUIRE_CEPH'] === '1') return true
  try {
    for (const command of commands) execFileSync(command, ['--version'], { stdio: 'ignore' })
    return true
  } catch {
    console.warn(`Skipped: ${commands.join(' or ')} is not installed here`)
    return false
  }
}

/** Starts a Ceph cluster of its own. */
export async function startCeph() {
  const directory = await mkdtemp(join(tmpdir(), 'ceph-'))
  const port = 30_000 + Math.floor(Math.random() * 2000)
  await promisify(execFile)(START, [directory, `${port}`])
  const stop = async () => {
    for (const name of await readdir(directory)) {
      if (!name.endsWith('.pid')) continue
      try {
        process.kill(Number(await readFile(join(directory, name), 'utf8')), 'SIGKILL')
      } catch {
        // It has ended by itself.
      }
    }
    await rm(directory, { recursive: true, force: true, maxRetries: 5 })
  }
  return { endpoint: `http://127.0.0.1:${port}`, stop }
}
