import b4a from 'b4a'
import type { RecordFinder } from '../records/record-finder.ts'
import type { RelayAddress } from './options.ts'
import { type Attempt, race } from './race.ts'

/**
 * Tries the relays that the device's own record names, where they are none that are tried anyway.
 *
 * @param attempt - begins to reach the device through a relay
 */
export function findByRecord<T>(
  finder: RecordFinder,
  target: Uint8Array,
  tried: readonly RelayAddress[],
  attempt: (address: RelayAddress) => Attempt<T>,
  times: { readonly staggerMs: number; readonly attemptMs: number }
): Attempt<T> {
  let stop: () => void = () => {}
  let inner: Attempt<unknown> | null = null
  let isStopped = false
  const stopped = new Promise<void>((resolve) => {
    stop = () => {
      isStopped = true
      resolve()
    }
  })
  const run = async (): Promise<T> => {
    const found = await finder.find(target, stopped)
    const others = isStopped
      ? []
      : found.filter(({ publicKey }) => !tried.some((one) => b4a.equals(one.publicKey, publicKey)))
    const racing = race([{ ways: others.map((address) => () => attempt(address)) }], times)
    inner = racing
    return racing.result
  }
  return {
    result: run(),
    abort: () => {
      stop()
      inner?.abort()
    }
  }
}
