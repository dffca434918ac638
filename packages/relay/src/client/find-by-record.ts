import b4a from 'b4a'
import type { RecordFinder } from '../records/record-finder.ts'
import type { RelayAddress } from '../addresses/relay-address.ts'
import { type Attempt, race } from './race.ts'

/**
 * Tries the relays that the device's own record names, where they are none that are tried anyway: those that are known, and soon those that a newer record names.
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
  const known = besides(finder.addresses(target), tried)
  const waysTo = (relays: readonly RelayAddress[]): (() => Attempt<T>)[] =>
    relays.map((address) => () => attempt(address))
  const anew = (): Attempt<T> =>
    asking(finder, target, (found) => {
      return race([{ ways: waysTo(besides(found, [...tried, ...known])) }], times)
    })
  // Where a device is found as it was, nobody needs to be asked.
  return race([{ ways: waysTo(known) }, { ways: [anew], delayMs: times.staggerMs }], times)
}

/** Asks where the device is, and goes on from there. */
function asking<T>(
  finder: RecordFinder,
  target: Uint8Array,
  then: (found: readonly RelayAddress[]) => Attempt<T>
): Attempt<T> {
  let stop: () => void = () => {}
  let inner: Attempt<T> | null = null
  let isStopped = false
  const stopped = new Promise<void>((resolve) => {
    stop = () => {
      isStopped = true
      resolve()
    }
  })
  const run = async (): Promise<T> => {
    const found = await finder.find(target, stopped)
    inner = then(isStopped ? [] : found)
    return inner.result
  }
  return {
    result: run(),
    abort: () => {
      stop()
      inner?.abort()
    }
  }
}

/** Those that are none of the others. */
function besides(relays: readonly RelayAddress[], others: readonly RelayAddress[]): RelayAddress[] {
  return relays.filter(({ publicKey }) => !others.some((one) => b4a.equals(one.publicKey, publicKey)))
}
