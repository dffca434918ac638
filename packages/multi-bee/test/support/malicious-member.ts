import b4a from 'b4a'
import { deviceStatuses } from '../../src/bee/status.ts'
import type { OpenDatabase } from '../../src/bee/open-database.ts'
import type { Engine } from '../../src/engine/engine.ts'
import { encodeTransaction, type Draft } from '../../src/log/encode.ts'
import { initialLogState, type LogState } from '../../src/log/log-state.ts'
import type { Operation } from '../../src/merge/transaction.ts'
import { WriterTable } from '../../src/merge/writer-table.ts'
import type { DeviceStatus } from '../../src/types.ts'
import { EngineDevice } from './engine-device.ts'
import { MemoryLog } from './memory-log.ts'

export const NOW = 1_000_000

/** A log whose owner writes into it whatever it likes. */
export class MaliciousMember {
  readonly log: MemoryLog
  readonly #writers = new WriterTable()
  #state: LogState

  constructor(key: Uint8Array) {
    this.log = new MemoryLog(key)
    this.#state = initialLogState(this.#writers.idOf(key))
  }

  /** Sound blocks. Context: blocks by key in hex, besides what was named before. */
  write(what: Partial<Omit<Draft, 'context'>> & { context?: Record<string, number> }): void {
    const { context: named = {}, ...rest } = what
    const context = this.#state.context.slice()
    for (const [key, length] of Object.entries(named)) {
      const id = this.#writers.idOf(b4a.from(key, 'hex'))
      while (context.length <= id) context.push(0)
      context[id] = length
    }
    const draft = { ms: NOW, counter: 0, again: null, membership: [], operations: [], ...rest, context }
    const encoded = encodeTransaction(draft, this.#state, this.#writers)
    if (encoded === null) throw new Error('it does not fit into a transaction')
    // It counts for itself no membership records.
    this.#state = { ...encoded.state, records: 0 }
    this.log.blocks.push(...encoded.blocks)
  }

  /** Any bytes. */
  append(...blocks: readonly (Uint8Array | string)[]): void {
    for (const block of blocks)
      this.log.blocks.push(typeof block === 'string' ? b4a.from(block, 'hex') : block)
  }
}

export const hexOf = (bytes: Uint8Array): string => b4a.toString(bytes, 'hex')

export function operation(key: string, path: string, json: string | null): Operation {
  return {
    key: b4a.from(key),
    path,
    value: json === null ? null : { document: true, bytes: b4a.from(json) },
    seen: null
  }
}

/** Two honest devices, and members of their database who are not. */
export interface Siege {
  a: EngineDevice
  b: EngineDevice
  members: MaliciousMember[]
  /** Brings everything to both, and returns when they have made of it what they can. */
  meet(): Promise<void>
  put(device: EngineDevice, key: string, json: string): Promise<void>
  /** What a device shows under a key, as JSON text. */
  get(device: EngineDevice, key: string): Promise<string | null>
  /** What a device says of a member. */
  statusOf(device: EngineDevice, member: MaliciousMember): Promise<DeviceStatus>
}

export async function siege(count = 1, now: () => number = () => NOW): Promise<Siege> {
  const own = [1, 2].map((byte) => new MemoryLog(b4a.alloc(32, byte))) as [MemoryLog, MemoryLog]
  const members = Array.from({ length: count }, (_, i) => new MaliciousMember(b4a.alloc(32, 0x70 + i)))
  const logs = [...own, ...members.map(({ log }) => log)]
  const originals = new Map(logs.map((log) => [hexOf(log.key), log]))
  const devices = own.map((log) => new EngineDevice(log, own[0].key, originals, now))
  const [a, b] = devices as [EngineDevice, EngineDevice]
  for (const device of devices) await device.open()
  const added = logs.slice(1).map(({ key }) => ({ type: 'add' as const, writer: key, name: '' }))
  const genesis = { type: 'genesis' as const, deleteWins: false, ownerKey: null, name: '' }
  await a.engine.submit({ type: 'membership', records: [genesis, ...added] })
  return {
    a,
    b,
    members,
    async meet() {
      for (const device of devices) {
        for (const log of logs) if (log !== device.own) device.log(hexOf(log.key)).deliver(log.blocks.length)
        await device.engine.settle()
      }
    },
    put(device, key, json) {
      const intent = { type: 'put' as const, value: { document: true, bytes: b4a.from(json) } }
      const writes = [{ key: b4a.from(key), intent, base: null, compare: null }]
      return device.engine.submit({ type: 'write', writes, atomic: false })
    },
    async get(device, key) {
      const entry = await device.view.get(b4a.from(key), device.engine.state.version)
      return entry === null ? null : b4a.toString(entry.value.bytes)
    },
    statusOf: (device, { log }) => statusOf(device.engine, log.key)
  }
}

async function statusOf(engine: Engine, key: Uint8Array): Promise<DeviceStatus> {
  const statuses = await deviceStatuses({ engine } as OpenDatabase)
  const status = statuses.find((each) => b4a.equals(each.key, key))
  if (status === undefined) throw new Error('it is no member')
  return status
}
