import { dialRelayWire } from '../addresses/dial-relay-wire.ts'
import { isPort } from '../addresses/port.ts'
import { grantNow, type RelayAddress } from '../addresses/relay-address.ts'
import type { KeyPair } from '../types.ts'
import { RelayError } from '../errors.ts'
import type { Path } from '../paths/path.ts'
import { RelayLink } from '../paths/relay-link.ts'
import { TcpPath } from '../paths/tcp-path.ts'
import { dialTcp, hasTcp } from '../sockets/sockets.ts'

/** A dial that is under way: a path once it is there, and a way to give up. */
export interface Dialled {
  readonly path: Promise<Path>
  abort(): void
}

/** Reaches a device through a relay. */
export function dialThroughRelay(address: RelayAddress, keyPair: KeyPair, target: Uint8Array): Dialled {
  const wire = dialRelayWire(address)
  const path = new Promise<Path>((resolve, reject) => {
    const { publicKey: relay, grant } = address
    const link = new RelayLink(
      wire,
      { keyPair, relay, grant: grantNow(grant) },
      { onwelcome: () => link.open(target), onopened: () => resolve(link), onclose: reject }
    )
  })
  return { path, abort: () => wire.destroy() }
}

/** Reaches a device at a known address. @param address - `host:port`, an IPv6 host in brackets */
export function dialDirectly(address: string): Dialled {
  const at = address.lastIndexOf(':')
  const host = address.slice(0, at).replace(/^\[(.*)\]$/, '$1')
  const port = Number(address.slice(at + 1))
  if (at < 1 || !isPort(port)) throw new RelayError('RELAY_BAD_ARGUMENT', `${address} is no host:port`)
  if (!hasTcp) throw new RelayError('RELAY_BAD_ARGUMENT', 'this platform has no TCP')
  const path = new TcpPath(dialTcp(host, port))
  return { path: Promise.resolve(path), abort: () => path.destroy() }
}
