import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import b4a from 'b4a'
import Corestore from 'corestore'
import crypto from 'hypercore-crypto'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { testnet, tmpDir, tmpStore, until } from '@cloudpal/test-kit'
import { EXIT, run } from '../src/cli/program.ts'
import { sizeText } from '../src/cli/terminal.ts'
import { FileStore } from '../src/index.ts'
import { numbered } from './archived.ts'

const BIN = join(import.meta.dirname, '../dist/cli/bin.js')

interface Ran {
  code: number
  out: string[]
  err: string[]
}

async function cli(...words: string[]): Promise<Ran> {
  const ran: Ran = { code: -1, out: [], err: [] }
  const { signal } = new AbortController()
  const surroundings = {
    out: (line: string) => ran.out.push(line),
    err: (line: string) => ran.err.push(line),
    isTerminal: false,
    signal
  }
  ran.code = await run(words, surroundings)
  return ran
}

const jsonOf = ({ out }: Ran): Record<string, unknown>[] =>
  out.map((line) => JSON.parse(line) as Record<string, unknown>)

let directory: string
let source: string
let archive: string
let key: string

/** Appends to a core of the Corestore that is archived. */
async function write(blocks: readonly Uint8Array[], name = 'notes'): Promise<void> {
  const corestore = new Corestore(source)
  const core = corestore.get({ name })
  await core.append([...blocks])
  if (name === 'notes') key = b4a.toString(core.key as Uint8Array, 'hex')
  await corestore.close()
}

async function read(path: string, id = key): Promise<string[]> {
  const corestore = new Corestore(path)
  const core = corestore.get({ key: b4a.from(id, 'hex') })
  await core.ready()
  const texts: string[] = []
  for (let seq = 0; seq < core.length; seq++) texts.push(b4a.toString((await core.get(seq)) as Uint8Array))
  await corestore.close()
  return texts
}

beforeEach(async () => {
  directory = await tmpDir()
  source = join(directory, 'source')
  archive = join(directory, 'archive')
  await write(numbered(0, 5))
})

afterEach(() => rm(directory, { recursive: true, force: true }))

describe('cloudpal-archive', () => {
  test('archives a Corestore, restores its cores, and looks after the archive', async () => {
    const refused = await cli('backup', source, '--to', archive)
    expect([refused.code, refused.err.join()]).toEqual([EXIT.failed, expect.stringContaining('--create')])
    const first = await cli('backup', source, '--to', archive, '--create', '--json')
    expect([first.code, jsonOf(first)]).toEqual([
      EXIT.ok,
      [{ seq: 1, cores: 1, blocks: 5, bytes: 100, missing: 0, keys: [key] }]
    ])
    await write(numbered(5, 8))
    expect(await cli('backup', source, '--to', `file:${archive}`)).toEqual({
      code: EXIT.ok,
      out: ['commit 3: 1 cores, 3 blocks, 60 B'],
      err: ['keep the keys, the archive does not have them:', `  ${key}`]
    })
    expect((await cli('backup', source, '--to', archive)).out).toEqual(['nothing new'])

    const into = join(directory, 'restored')
    const restored = await cli('restore', key, '--from', archive, '--into', into, '--json')
    expect(jsonOf(restored)).toMatchObject([
      { length: 8, fork: 0, seq: 4, blocks: 8, missing: 0, writable: false }
    ])
    expect((await read(into)).length).toBe(8)
    expect((await cli('restore', key, '--from', archive, '--into', into)).code).toBe(EXIT.failed)
    const earlier = join(directory, 'earlier')
    expect(
      (await cli('restore', key, '--from', archive, '--into', earlier, '--at-length', '7')).out[0]
    ).toContain('5 of 5 blocks of fork 0, as of commit 1')
    expect(await read(earlier)).toEqual((await read(into)).slice(0, 5))

    const moments = jsonOf(await cli('ls', '--from', archive, '--key', key, '--json'))
    expect(moments.map(({ seq, core }) => [seq, core])).toEqual([
      [3, { fork: 0, length: 8 }],
      [1, { fork: 0, length: 5 }]
    ])
    expect((await cli('stats', '--from', archive)).out.at(-1)).toMatch(/^1 cores, commit 4 at /)
    const verified = await cli('verify', '--from', archive, '--key', key)
    expect([verified.code, verified.out.at(-1)]).toEqual([EXIT.ok, 'nothing is wrong'])
    const pruned = await cli('prune', '--from', archive, '--keep-last', '1', '--keep-daily', '3', '--json')
    expect([pruned.code, jsonOf(pruned)]).toEqual([EXIT.ok, [{ kept: 2, commits: 0, objects: 0, bytes: 0 }]])
  })

  test('backs up no directory that is no Corestore, and none that another program has open', async () => {
    const typo = await cli('backup', `${source}-typo`, '--to', archive, '--create')
    expect([typo.code, typo.err.at(-1)]).toEqual([
      EXIT.failed,
      expect.stringMatching(/LOCAL_FAILED.*there is no/)
    ])
    const corestore = new Corestore(source)
    await corestore.ready()
    const busy = await cli('backup', source, '--to', archive, '--create')
    expect([busy.code, busy.err.at(-1)]).toEqual([
      EXIT.failed,
      expect.stringMatching(/LOCAL_FAILED.*another program/)
    ])
    await corestore.close()
  })

  test('makes a core writable again under its name, and fences who wrote it before', async () => {
    await cli('backup', source, '--to', archive, '--create')
    const corestore = new Corestore(source)
    await corestore.ready()
    const primaryKey = corestore.primaryKey as Uint8Array
    await corestore.close()
    const into = join(directory, 'restored')
    const fresh = new Corestore(into, { primaryKey, unsafe: true })
    await fresh.ready()
    await fresh.close()
    const restored = await cli(
      'restore',
      key,
      '--from',
      archive,
      '--into',
      into,
      '--writable',
      'notes',
      '--json'
    )
    expect(jsonOf(restored)).toMatchObject([{ writable: true, length: 5 }])
    // Another device altogether is not let in.
    const other = join(directory, 'other')
    const stranger = new Corestore(other)
    await stranger.ready()
    await stranger.close()
    const held = await cli('backup', other, '--to', archive, '--json')
    expect([held.code, JSON.parse(held.err.join())]).toMatchObject([
      EXIT.fenced,
      { error: { code: 'S3_ARCHIVER_HELD' } }
    ])
  })

  test('says with its exit code what is wrong', async () => {
    await cli('backup', source, '--to', archive, '--create')
    const [name] = (await readdir(join(archive, 'l'))).sort()
    await rm(join(archive, 'l', name as string))
    const store = new FileStore(archive)
    await store.putIfAbsent(`l/${name}`, crypto.randomBytes(100))
    expect((await cli('verify', '--from', archive)).code).toBe(EXIT.damaged)
    expect((await cli('verify', '--from', join(directory, 'mistyped'))).code).toBe(EXIT.failed)
    const into = join(await tmpDir(), 'new')
    for (const words of [
      ['restore', 'no key', '--from', archive, '--into', source],
      ['restore', key, '--from', archive],
      ['prune', '--from', archive, '--keep-last', 'many'],
      ['prune', '--from', archive],
      ['ls', '--from', 's3://bucket?region=a&secret=b'],
      ['ls', '--from', 'https://example.org/archive?secret=a'],
      ['restore', key, '--from', archive, '--into', source, '--at-time', 'yesterday'],
      ['restore', key, '--from', archive, '--into', into, '--fork', '0'],
      ['restore', key, '--from', archive, '--into', into, '--at-seq', '1', '--at-length', '3'],
      ['restore', key, '--from', archive, '--into', into, '--at-seq', '1', '--at-time', '2020-01-01'],
      ['restore', key, '--from', archive, '--into', into, '--at-length', '1', '--at-time', '2020-01-01'],
      ['restore', key, '--from', archive, '--into', into, '--at-seq', '1', '--writable', 'notes'],
      ['restore', key, '--from', archive, '--into', into, '--at-length', '1.5'],
      ['restore', key, '--from', archive, '--into', into, '--writable', ''],
      ['backup', source, '--to', archive, '--bytes-per-second', '0'],
      ['verify', '--from', archive, '--share', '2'],
      ['prune', '--from', archive, '--keep-last', '1.5'],
      ['prune', '--from', archive, '--keep-last', '1', '--min-age-days', '0.5'],
      ['serve', '--from', archive, '--key', key, '--poll-seconds', '0'],
      ['nothing']
    ]) {
      const { code, err } = await cli(...words)
      expect([code, err.join()]).toEqual([EXIT.usage, expect.stringContaining('error')])
    }
    // What is refused has made nothing.
    expect(await stat(into).catch(() => null)).toBeNull()
    expect((await cli('--help')).code).toBe(EXIT.ok)
  })

  test('archives what comes until it is interrupted, and leaves nothing locked', async () => {
    const child = spawn(process.execPath, [BIN, 'backup', source, '--to', archive, '--create', '--watch'])
    let said = ''
    child.stderr.on('data', (data: Uint8Array) => (said += b4a.toString(data)))
    const closed = once(child, 'close')
    await until(() => said.includes('commit 1'), { message: () => said })
    child.kill('SIGINT')
    expect(await closed).toEqual([EXIT.interrupted, null])
    await write(numbered(5, 6))
    expect((await cli('backup', source, '--to', archive)).code).toBe(EXIT.ok)
  })
})

test('sizes are told in the unit that people read', () => {
  expect([0, 1023, 1024, 1536, 5 * 1024 ** 3].map(sizeText)).toEqual([
    '0 B',
    '1023 B',
    '1.0 KiB',
    '1.5 KiB',
    '5.0 GiB'
  ])
})

test('serve gives an archived core to peers in a swarm, until it is ended', async () => {
  const texts = await read(source)
  expect(await cli('backup', source, '--to', archive, '--create')).toMatchObject({ code: EXIT.ok })
  const network = await testnet()
  const abort = new AbortController()
  const ran: Ran = { code: -1, out: [], err: [] }
  const surroundings = {
    out: (line: string) => ran.out.push(line),
    err: (line: string) => ran.err.push(line),
    isTerminal: false,
    signal: abort.signal,
    openSwarm: async () => network.createSwarm() as never
  }
  const serving = run(['serve', '--from', archive, '--key', key], surroundings)
  await until(() => ran.err.includes('serving 1 cores'))
  const corestore = await tmpStore()
  const core = corestore.get({ key: b4a.from(key, 'hex') })
  await core.ready()
  const swarm = network.createSwarm()
  swarm.on('connection', (stream) => void corestore.replicate(stream))
  swarm.join(core.discoveryKey as Uint8Array, { server: false, client: true })
  await until(() => core.peers.length > 0, { message: () => ran.err.join() })
  await core.update({ wait: true })
  expect(core.length).toBe(texts.length)
  expect(b4a.toString((await core.get(3)) as Uint8Array)).toBe(texts[3])
  abort.abort()
  expect(await serving).toBe(EXIT.ok)
  expect(ran.out).toHaveLength(1)
  expect(ran.out[0]).toMatch(/^1 connections, \d+ requests, /)
})
