import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import b4a from 'b4a'
import crypto from 'hypercore-crypto'
import { expect, test } from 'vitest'
import { tmpDir, tmpStore } from '@cloudpal/test-kit'
import { Archiver, FileStore, restore, verify } from '../src/index.ts'
import { numbered, openCore, WRITER } from './archived.ts'

/** Runs a process until it has printed so many lines, and kills it then. @returns what it has printed */
async function killedAfter(lines: number, script: string, ...words: string[]): Promise<string[]> {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'processes', script), ...words])
  let output = ''
  let errors = ''
  child.stderr.on('data', (data: Uint8Array) => (errors += b4a.toString(data)))
  child.stdout.on('data', (data: Uint8Array) => {
    output += b4a.toString(data)
    if (output.split('\n').length > lines) child.kill('SIGKILL')
  })
  await once(child, 'close')
  expect(errors).toBe('')
  return output.split('\n').slice(0, -1)
}

test('an archiver that is killed again and again loses nothing that it has told of', async () => {
  const [directory, archive] = [await tmpDir(), await tmpDir()]
  for (let round = 0; round < 4; round++) {
    const [id = '', ...lengths] = await killedAfter(3 + round, 'archiving.mjs', directory, archive)
    const key = b4a.from(id, 'hex')
    const store = new FileStore(archive)
    const corestore = await tmpStore()
    const { length } = await restore(store, { corestore, key })
    expect(length).toBeGreaterThanOrEqual(Number(lengths.at(-1)))
    const core = corestore.get({ key })
    await core.ready()
    for (let seq = 0; seq < length; seq++)
      expect(b4a.equals((await core.get(seq)) as Uint8Array, b4a.alloc((seq % 10) * 3000, seq))).toBe(true)
    expect(await verify(store, { keys: [key] })).toMatchObject({ ok: true })
  }
})

test('a restore that is killed goes on where it was, and the core is whole', async () => {
  const [archive, directory] = [await tmpDir(), await tmpDir()]
  const source = await openCore()
  const store = new FileStore(archive)
  const archiver = new Archiver(store, { cores: [source], writerId: WRITER, live: false, probe: false })
  for (let i = 0; i < 7; i++) {
    await source.append([...numbered(i, i + 1), crypto.randomBytes(100_000)])
    await archiver.flush()
  }
  const id = b4a.toString(source.key as Uint8Array, 'hex')
  for (const blocks of [2, 6, 10])
    expect(await killedAfter(Infinity, 'restoring.mjs', archive, directory, id, `${blocks}`)).toEqual([])
  expect(await killedAfter(Infinity, 'restoring.mjs', archive, directory, id, 'never')).toEqual(['10'])
  const corestore = await tmpStore({ dir: directory })
  const core = corestore.get({ key: source.key })
  await core.ready()
  expect(core.length).toBe(14)
  for (let seq = 0; seq < 14; seq++)
    expect(b4a.equals((await core.get(seq)) as Uint8Array, (await source.get(seq)) as Uint8Array)).toBe(true)
})
