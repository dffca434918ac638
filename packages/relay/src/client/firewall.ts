import { RelayError } from '../errors.ts'

type Firewall = (remotePublicKey: Uint8Array) => boolean

/**
 * An app's firewall, asked where nobody catches what is thrown: as for hyperdht that means no.
 *
 * @param onfailed - what it has thrown; it gives no promise either, which nobody would wait for
 */
export function askedSafely(firewall: Firewall, onfailed: (error: Error) => void): Firewall {
  return (remotePublicKey) => {
    try {
      const refuses: unknown = firewall(remotePublicKey)
      if (!(refuses instanceof Promise)) return Boolean(refuses)
      refuses.catch(() => {})
      throw new RelayError('RELAY_BAD_ARGUMENT', 'a firewall says at once whether it refuses')
    } catch (error) {
      onfailed(error as Error)
      return true
    }
  }
}
