import type { SimDevice } from './sim-device.ts'

/** Blocks on their way. */
export interface Parcel {
  to: SimDevice
  log: string
  /** The first block that is sent. */
  start: number
  /** What the sender had, from its first block on. */
  copy: readonly Uint8Array[]
}

/** One device gives another what that one wants and this one has, up to so many blocks of each log. */
export async function carry(from: SimDevice, to: SimDevice, most = Infinity): Promise<void> {
  const successions = from.successions()
  for (const [key, log] of to.logs) {
    const blocks = from.disk.logs.get(key)
    if (blocks === undefined) continue
    log.receive(blocks.slice(0, log.blocks.length + most))
    const source = from.logs.get(key)
    // Both have seen the other's proof.
    const agreed = source === undefined ? null : differsAt(log.blocks, source.blocks)
    if (log.fork !== null && agreed !== null) source?.noteFork(agreed)
  }
  for (const device of [from, to]) device.engine.kick()
  await Promise.race([to.hear(successions), to.disk.died])
}

/** What a device has of a log from some block on, to be delivered later. */
export function parcel(from: SimDevice, to: SimDevice, log: string, start: number): Parcel {
  return { to, log, start, copy: [...(from.disk.logs.get(log) ?? [])] }
}

/** Whenever it was sent, and however often it arrives. */
export function deliver({ to, log, start, copy }: Parcel): void {
  if (!to.isOn) return
  to.logs.get(log)?.receive(copy, start)
  to.engine.kick()
}

function differsAt(a: readonly Uint8Array[], b: readonly Uint8Array[]): number | null {
  for (let i = 0; i < a.length && i < b.length; i++) if (a[i] !== b[i]) return i
  return null
}
