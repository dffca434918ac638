import { vi } from 'vitest'
import { keyPairOf, OWN_SPARES, WRITERS } from '../oracle/values.ts'
import { fromHex } from './block-vectors.ts'
import { EngineDevice } from './engine-device.ts'
import { forkOf } from './fork-proofs.ts'
import { MaliciousMember, NOW, operation } from './malicious-member.ts'
import { MemoryLog } from './memory-log.ts'

const [FIRST, SECOND] = WRITERS as [string, string]

/** A device that has put `a` to 1, 2 and 3, in a database with a member that is about to say that its log is forked. */
export async function deviceBefore(length: number): Promise<EngineDevice> {
  return (await besieged(length)).device
}

export type Put = readonly [key: string, json: string]

const PUTS: readonly Put[] = ['1', '2', '3'].map((json) => ['61', json])

/** The same with other puts, and that member. */
export async function besieged(
  length: number,
  puts = PUTS
): Promise<{ device: EngineDevice; member: MaliciousMember }> {
  const member = new MaliciousMember(fromHex(SECOND))
  const device = new EngineDevice(
    new MemoryLog(fromHex(FIRST)),
    fromHex(FIRST),
    new Map([[SECOND, member.log]]),
    () => NOW,
    OWN_SPARES[0]
  )
  await device.open()
  await device.engine.submit({
    type: 'membership',
    records: [
      { type: 'genesis', deleteWins: false, ownerKey: null, name: '' },
      { type: 'add', writer: member.log.key, name: '' }
    ]
  })
  for (const [key, json] of puts) await put(device, key, json)
  callForked(member, FIRST, length)
  member.write({ operations: [operation('b', '', '3')] })
  return { device, member }
}

/** With a proof that only the log's own device can have made possible. */
export function callForked(member: MaliciousMember, log: string, length: number): void {
  const cutOff = { length, fork: 0, treeHash: new Uint8Array(32) }
  const { proof } = forkOf(keyPairOf(log), length)
  member.write({
    membership: [{ type: 'fork', writer: fromHex(log), cutOff, proof }],
    context: { [FIRST]: 1 }
  })
}

export function put(device: EngineDevice, key: string, json: string): Promise<void> {
  const intent = { type: 'put' as const, value: { document: true, bytes: new TextEncoder().encode(json) } }
  const writes = [{ key: fromHex(key), intent, base: null, compare: null }]
  return device.engine.submit({ type: 'write', writes, atomic: false })
}

/** Copies of a device as it is before and after every write to its logs and its store. */
export async function momentsOf(device: EngineDevice, run: () => Promise<void>): Promise<EngineDevice[]> {
  const moments: EngineDevice[] = []
  const remember = (): void => void moments.push(device.copy())
  const { append } = MemoryLog.prototype
  vi.spyOn(MemoryLog.prototype, 'append').mockImplementation(async function (this: MemoryLog, blocks) {
    remember()
    await append.call(this, blocks)
    remember()
  })
  const { write } = device.store
  device.store.write = async (writes) => {
    remember()
    await write.call(device.store, writes)
    remember()
  }
  await run()
  await device.engine.close()
  vi.restoreAllMocks()
  return moments
}
