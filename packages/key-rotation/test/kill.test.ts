import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { replicate, tmpDir, tmpStore } from '@cloudpal/test-kit'
import { expect, test } from 'vitest'
import { coreMemory } from '../src/cores/index.ts'
import { IdentityMemory } from '../src/index.ts'
import { decodeMemory } from '../src/memory/journal.ts'
import { fileMemory } from './processes/file-memory.mjs'

/** Runs a process till it ends, or has printed so many lines, and is killed then. @returns what it has printed */
async function run(lines: number, script: string, ...words: string[]): Promise<string[]> {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'processes', script), ...words])
  let output = ''
  let errors = ''
  child.stderr.on('data', (data: Uint8Array) => (errors += String(data)))
  child.stdout.on('data', (data: Uint8Array) => {
    output += String(data)
    if (output.split('\n').length > lines) child.kill('SIGKILL')
  })
  await once(child, 'close')
  expect(errors).toBe('')
  return output.split('\n').slice(0, -1)
}

test('a device that is killed remembers all that it has taken in', async () => {
  const dir = await tmpDir()
  for (const lines of [2, 5, 12]) {
    const [identity = '', ...kept] = await run(lines, 'remembering.mjs', dir)
    const store = await tmpStore({ dir })
    const memory = await IdentityMemory.open(
      coreMemory(store.get({ name: 'memory' })),
      Buffer.from(identity, 'hex')
    )
    expect(memory.state.seq).toBeGreaterThanOrEqual(Number(kept.at(-1)))
    await store.close()
  }
})

test('so does one that keeps it in a file, in which the last part ends where it was killed', async () => {
  const dir = await tmpDir()
  let torn = 0
  for (const most of [100, 400, 411, 900, 1000, 1001]) {
    const [identity = '', ...kept] = await run(Infinity, 'remembering.mjs', dir, String(most))
    const store = fileMemory(join(dir, 'memory'))
    if (decodeMemory((await store.read()) as Uint8Array).room === 0) torn++
    const memory = await IdentityMemory.open(store, Buffer.from(identity, 'hex'))
    if (kept.length > 0) expect(memory.state.seq).toBe(Number(kept.at(-1)))
  }
  expect(torn).toBe(6)
})

test('carrying over that is killed goes on where it was, and what is said to be there is there', async () => {
  const dir = await tmpDir()
  const starts: number[] = []
  for (const end of ['die', 'die', 'live']) {
    const [line = ''] = await run(Infinity, 'carrying.mjs', dir, end)
    starts.push(Number(line.split(' ')[1]))
  }
  expect(starts[0]).toBe(0)
  expect(starts[1]).toBeGreaterThan(0)
  expect(starts[2]).toBeGreaterThan(starts[1] ?? 0)
  const [last = ''] = await run(Infinity, 'carrying.mjs', dir, 'live')
  const [key = '', contiguous] = last.split(' ')
  expect(contiguous).toBe('40000')
  const [store, other] = [await tmpStore({ dir }), await tmpStore()]
  const core = store.get({ key })
  await core.ready()
  const { audit } = core.core as { audit(options: object): Promise<object> }
  const found = await audit.call(core.core, { dryRun: true, tree: false })
  expect(found).toMatchObject({ droppedBits: 0, droppedBlocks: 0, corrupt: false })
  replicate(store, other)
  const copy = other.get({ key })
  await copy.ready()
  await copy.update({ wait: true })
  for (const i of [0, 8_191, 8_192, 32_767, 32_768, 39_999])
    expect(String(await copy.get(i))).toBe(`block ${i}`)
})
