import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { describe, expect, type TestContext, test } from 'vitest'

const FULL = fileURLToPath(new URL('disk/full.mjs', import.meta.url))

/** What a process says of a disk it has filled: codes of what it tried, and how many acknowledged entries were missing. */
interface Report {
  full: Record<'before' | 'acknowledged' | 'missing', number> &
    Record<'put' | 'update' | 'flush' | 'close', string> & { codes: string[] }
  room: { missing: number; put: string; flush: string }
  last: { missing: number; after: unknown }
  failures: string[]
}

/**
 * Runs it where it may mount a disk that nobody else sees: a mount namespace of its own.
 *
 * @param size - of the disk, in MiB
 */
async function fillDisk(how: 'reopen' | 'wait', size: number, context: TestContext): Promise<Report> {
  const skip = (reason: string): never => {
    // The usual reporter says that tests were skipped, and not why.
    console.warn(`Skipped, there is no disk to fill here: ${reason.trim()}`)
    return context.skip(reason)
  }
  if (process.platform !== 'linux') skip('it would be a tmpfs of Linux')
  const namespace = process.getuid?.() === 0 ? '-m' : '-rm'
  const child = spawn('unshare', [namespace, process.execPath, FULL, how, String(size)], {
    stdio: ['ignore', 'pipe', 'pipe']
  })
  let [output, errors] = ['', '']
  child.stdout.on('data', (data) => (output += data))
  child.stderr.on('data', (data) => (errors += data))
  const code = await new Promise<number | null>((resolve) => {
    child.once('error', (error) => {
      errors = error.message
      resolve(1)
    })
    child.once('close', resolve)
  })
  if (code !== 0 && /unshare/.test(errors)) skip(errors)
  expect({ code, errors }).toEqual({ code: 0, errors: '' })
  const report = JSON.parse(output) as Report & { skipped?: string }
  if (report.skipped !== undefined) skip(report.skipped)
  return report
}

describe('a full disk', () => {
  test('rejects writes with a code, keeps reads, closes, and everything is there once it has room', async (context) => {
    const { full, room, last, failures } = await fillDisk('reopen', 16, context)
    expect(full.acknowledged).toBeGreaterThan(full.before)
    expect(full).toMatchObject({
      codes: ['MULTI_BEE_STORE_FAILED'],
      put: 'MULTI_BEE_STORE_FAILED',
      update: 'MULTI_BEE_STORE_FAILED',
      flush: 'MULTI_BEE_STORE_FAILED',
      close: 'resolved',
      missing: 0
    })
    // That the view could not be written is told all the same.
    expect(failures).toEqual(['MULTI_BEE_STORE_FAILED'])
    expect(room).toEqual({ missing: 0, put: 'resolved', flush: 'resolved' })
    expect(last).toEqual({ missing: 0, after: 2 })
  })

  test('that has 64 MiB again is written to without another open', async (context) => {
    const { full, room, last } = await fillDisk('wait', 320, context)
    expect(full).toMatchObject({ put: 'MULTI_BEE_STORE_FAILED', missing: 0 })
    expect(room).toEqual({ missing: 0, put: 'resolved', flush: 'resolved' })
    expect(last).toEqual({ missing: 0, after: 2 })
  })
})
