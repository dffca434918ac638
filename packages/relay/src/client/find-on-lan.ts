import { RelayError } from '../errors.ts'
import type { Attempt } from './race.ts'

/** Finds devices on the local network: a `LanDiscovery` of `@cloudpal/relay/lan`, or whatever has the same methods. */
export interface LanLike {
  /** Announces a device that listens there. @returns what ends it */
  announce(publicKey: Uint8Array, port: number): () => void
  /** Looks for a device. @returns what ends it */
  find(
    publicKey: Uint8Array,
    onfound: (at: { readonly host: string; readonly port: number }) => void
  ): () => void
}

/**
 * Tries every address that is found, each as soon as it is: an impostor among them fails in its handshake, and keeps nobody up.
 *
 * @param attempt - begins to reach a `host:port`
 */
export function findOnLan<T>(
  lan: LanLike,
  target: Uint8Array,
  attempt: (address: string) => Attempt<T>
): Attempt<T> {
  const running = new Set<Attempt<T>>()
  let settle: { resolve(value: T): void; reject(error: Error): void } | null = null
  const result = new Promise<T>((resolve, reject) => {
    settle = { resolve, reject }
  })
  const finish = (): void => {
    stop()
    for (const other of running) other.abort()
  }
  const stop = lan.find(target, ({ host, port }) => {
    const one = attempt(`${host}:${port}`)
    running.add(one)
    one.result.then(
      (won) => {
        running.delete(one)
        finish()
        return settle?.resolve(won)
      },
      () => running.delete(one)
    )
  })
  return {
    result,
    abort: () => {
      finish()
      settle?.reject(new RelayError('RELAY_UNREACHABLE', 'the device was not found on the local network'))
    }
  }
}
