import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { readRows, writeRow } from '../relay/soak/rows.mjs'
import { inTime } from '../relay/work/in-time.mjs'
import { checkDirect, checkRelayed } from '../relay/work/path-check.mjs'

const directories: string[] = []
afterEach(() => {
  for (const directory of directories.splice(0)) rmSync(directory, { recursive: true })
})

const wire = (localPorts: number[], remotePort: number, bytesReceived = 0) => ({
  localPorts,
  remotePort,
  bytesReceived
})

test('a way is direct when each end talks to a port of the other, and all bytes came in there', () => {
  const here = wire([5, 6], 7)
  const before = wire([7, 8], 6)
  const after = wire([7, 8], 6, 1_000)
  expect(() => checkDirect('udp', here, { before, after }, 1_000)).not.toThrow()
  expect(() => checkDirect('udp', wire([5], 9), { before, after }, 1_000)).toThrow(/sent from port 5 to 9/)
  expect(() => checkDirect('udp', here, { before, after: wire([7], 4, 1_000) }, 1_000)).toThrow(/from 4/)
  expect(() => checkDirect('udp', here, { before, after }, 1_001)).toThrow(/1000 came in/)
})

test('a way is relayed when all bytes went through the process in between, once', () => {
  expect(() => checkRelayed('relay', 1_100, 1_000)).not.toThrow()
  expect(() => checkRelayed('relay', 0, 1_000)).toThrow(/0 went through/)
  expect(() => checkRelayed('relay', 2_000, 1_000)).toThrow(/2000 went through/)
})

test('what does not come in time says which way hung', async () => {
  const late = inTime(new Promise(() => {}), 'tcp: no end of 100 MB', 1)
  await expect(late).rejects.toMatchObject({ code: 'BENCH_TIMEOUT', message: /tcp: no end of 100 MB/ })
  expect(await inTime('here', 'nothing')).toBe('here')
})

test('the rows of a soak that was cut are all there, but for half a line', () => {
  const directory = mkdtempSync(join(tmpdir(), 'rows-'))
  directories.push(directory)
  const file = join(directory, 'rows.jsonl')
  const state = { heap: 1, external: 2, rss: 3, sockets: 4, connections: 5 }
  const before = { relay: state, clients: state }
  const sample = {
    ms: 1,
    connects: 2,
    missed: 3,
    upgrades: 4,
    wrong: 0,
    kills: { clients: 1, relays: 0, drains: 0 },
    relay: state,
    clients: state
  }
  writeRow(file, { before })
  writeRow(file, { sample })
  writeFileSync(file, '{"sample":{"ms":2,', { flag: 'a' })
  expect(readRows(file)).toEqual({ before, samples: [sample], rest: null })
})
