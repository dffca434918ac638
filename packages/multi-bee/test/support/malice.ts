import { seededRandom, type SeededRandom } from '@cloudpal/test-kit'
import b4a from 'b4a'
import fc from 'fast-check'
import { expect } from 'vitest'
import type { OpenDatabase } from '../../src/bee/open-database.ts'
import { deviceStatuses } from '../../src/bee/status.ts'
import type { LocalRequest } from '../../src/engine/requests.ts'
import { oracle } from '../oracle/oracle.ts'
import type { World } from '../oracle/types.ts'
import { KEYS, OWN_SPARES, STRANGER, WRITERS } from '../oracle/values.ts'
import { honestWorld, hostileWorld } from '../oracle/worlds.ts'
import { decodeLog, fromHex, readBlockVectors } from './block-vectors.ts'
import { EngineDevice, shownByOracle } from './engine-device.ts'
import { MemoryLog } from './memory-log.ts'
import { mutate } from './mutate-blocks.ts'
import { blocksOf, worldOf } from './world-blocks.ts'

/** What was done, to say so at the end. */
export interface Tally {
  /** Mutated blocks in members' logs. */
  blocks: number
  /** Of all blocks in those logs: transactions read, and blocks that do not decode. */
  sound: number
  malformed: number
  /** Devices compared with each other and with the oracle. */
  devices: number
  /** Of these, such as have more than one member left: a fork can cut off the first log at its first block. */
  alive: number
}

const FIRST = WRITERS[0] as string
const NOW = 1_000_000
const VALUES = ['0', '"x"', '{}', '{"a":1}', '{"a":{"b":2},"b":0}', '[]']
const vectors = readBlockVectors()
  .logs.map(({ blocks }) => blocks.map(fromHex))
  .filter((blocks) => blocks.every(({ byteLength }) => byteLength < 2000))

const worlds = fc
  .oneof(honestWorld({ maxCommands: 80 }), hostileWorld({ maxTransactions: 60 }))
  .filter(({ logs }) => Object.keys(logs).length > 1)

/** Logs of members who mean ill: sound blocks, most of them mutated, some of them twice. */
export function maliciousLogs(seed: number): { logs: Map<string, Uint8Array[]>; blocks: number } {
  const random = seededRandom(seed)
  const world = fc.sample(worlds, { numRuns: 1, seed })[0] as World
  const sound = new Map([...blocksOf(world)].filter(([writer, { length }]) => writer !== FIRST && length > 0))
  const others = [...sound.values(), ...vectors].flat()
  const logs = new Map<string, Uint8Array[]>()
  let blocks = 0
  for (const [writer, log] of sound) {
    const all = random.integer(0, 3) === 0 ? [...log, ...random.pick(vectors)] : [...log, ...log]
    // The first blocks introduce the writers that later ones name.
    const isMutated = all.map((_, i) => random.float() < (i < 2 ? 0.1 : i < log.length ? 0.5 : 0.9))
    logs.set(
      writer,
      all.map((block, i) => (isMutated[i] ? mutate(block, random, others) : block))
    )
    blocks += isMutated.filter(Boolean).length
  }
  return { logs, blocks }
}

/** Two honest devices take in the logs, each in its own way, write themselves, and are compared. */
export async function attack(seed: number, tally: Tally): Promise<void> {
  const random = seededRandom(seed)
  const { logs, blocks } = maliciousLogs(seed)
  const own = [FIRST, STRANGER].map((key) => new MemoryLog(fromHex(key)))
  const originals = new Map(own.map((log) => [b4a.toString(log.key, 'hex'), log]))
  for (const [writer, all] of logs) {
    const log = new MemoryLog(fromHex(writer))
    log.blocks.push(...all)
    originals.set(writer, log)
  }
  const devices = own.map(
    (log, i) => new EngineDevice(log, fromHex(FIRST), originals, () => NOW, OWN_SPARES[i])
  )
  for (const device of devices) await device.open()
  await begin(devices[0] as EngineDevice, [STRANGER, ...logs.keys()], random)
  for (let left = 24; left > 0; left--) {
    await step(random.pick(devices), [...originals.keys()], random)
    await introduceEpochs(devices, originals)
  }
  await compare(devices, originals, logs, tally)
  for (const device of devices) await device.engine.close()
  tally.blocks += blocks
}

async function begin(first: EngineDevice, members: readonly string[], random: SeededRandom): Promise<void> {
  const ownerKey = random.pick([null, null, fromHex(FIRST)])
  await first.engine.submit({
    type: 'membership',
    records: [
      { type: 'genesis', deleteWins: random.float() < 0.5, ownerKey, name: 'first' },
      ...random.shuffle(members).map((key) => ({ type: 'add' as const, writer: fromHex(key), name: '' }))
    ]
  })
  for (let left = random.integer(0, 10); left > 0; left--) await first.engine.submit(writeOf(random))
}

/** Something arrives, and more: the device writes, settles, is restarted or killed. */
async function step(device: EngineDevice, names: readonly string[], random: SeededRandom): Promise<void> {
  for (let left = random.integer(1, 3); left > 0; left--) {
    const log = device.log(random.pick(names))
    log.deliver(log.available + random.pick([1, 2, 5, 100]))
  }
  device.engine.kick()
  const isWriting = random.float() < 0.4
  if (isWriting) await device.engine.submit(writeOf(random)).catch(unlessRefused)
  const next = random.integer(0, 9)
  if (next === 0) await device.restart()
  else if (next === 1) await device.crash()
  else if (next < 5) await device.engine.settle()
}

/** A `fork` record of a malicious member can name an honest device's log: that one goes on in a new one, and its peers are told. */
async function introduceEpochs(
  devices: readonly EngineDevice[],
  originals: Map<string, MemoryLog>
): Promise<void> {
  for (const { own } of devices) originals.set(b4a.toString(own.key, 'hex'), own)
  for (const device of devices) for (const { own } of devices) await device.engine.introduce(own.key)
}

/** Until nobody has written more: what arrives can make a device go on in a new log, and say so. */
async function deliverAll(
  devices: readonly EngineDevice[],
  originals: Map<string, MemoryLog>
): Promise<void> {
  const total = (): number => [...originals.values()].reduce((sum, { blocks }) => sum + blocks.length, 0)
  for (let before = -1; before < total();) {
    before = total()
    for (const device of devices) {
      for (const [name, { blocks }] of originals) device.log(name).deliver(blocks.length)
      await device.engine.settle()
    }
    await introduceEpochs(devices, originals)
  }
}

async function compare(
  devices: readonly EngineDevice[],
  originals: Map<string, MemoryLog>,
  malicious: ReadonlyMap<string, readonly Uint8Array[]>,
  tally: Tally
): Promise<void> {
  await deliverAll(devices, originals)
  const world = worldOf(FIRST, new Map([...originals].map(([name, { blocks }]) => [name, blocks])))
  const operations = Object.values(world.logs).flatMap((log) => log.flatMap((each) => each.operations))
  const keys = [...new Set([...KEYS, ...operations.map(({ key }) => key)])]
  const expected = shownByOracle(oracle(world), keys)
  for (const device of devices) {
    expect(await device.shown(keys)).toEqual(expected)
    expect(device.failures.filter((error) => !isUnreadable(error))).toEqual([])
    expect(device.store.snapshots).toBe(0)
    tally.devices++
    if (expected.members.length > 1) tally.alive++
  }
  for (const [writer, blocks] of malicious) {
    const { transactions, end } = decodeLog(writer, blocks)
    const malformed = transactions.filter((each) => each.malformed).length
    tally.malformed += malformed
    tally.sound += transactions.length - malformed
    const unknownFormat = 'unknown' in end ? end.unknown : null
    for (const { engine } of devices) {
      const statuses = await deviceStatuses({ engine } as OpenDatabase)
      const status = statuses.find(({ key }) => b4a.equals(key, fromHex(writer)))
      // A fork can cut off the record by which it was let in.
      if (!expected.members.some((member) => member.writer === writer)) expect(status).toBeUndefined()
      else expect(status).toMatchObject({ malformed, unknownFormat })
    }
  }
}

function writeOf(random: SeededRandom): LocalRequest {
  const write = (): Extract<LocalRequest, { type: 'write' }>['writes'][number] => {
    const value = { document: true, bytes: b4a.from(random.pick(VALUES)) }
    const intent = random.pick([
      { type: 'put' as const, value },
      { type: 'put' as const, value },
      { type: 'del' as const }
    ])
    return { key: fromHex(random.pick(KEYS)), intent, base: null, compare: null }
  }
  return { type: 'write', writes: [write()], atomic: random.float() < 0.5 }
}

/** What was delivered may have removed the device. */
function unlessRefused(error: unknown): void {
  if ((error as { code?: string }).code !== 'MULTI_BEE_NOT_WRITABLE') throw error
}

/** A log that begins with an unknown version is taken for one of another key, and said to be. */
function isUnreadable(error: unknown): boolean {
  return (error as { code?: string }).code === 'MULTI_BEE_WRONG_ENCRYPTION_KEY'
}
