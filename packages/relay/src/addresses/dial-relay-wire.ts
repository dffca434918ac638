import { RelayError } from '../errors.ts'
import { FRAME } from '../protocol/frames.ts'
import { dialTcp, dialWs, hasTcp } from '../sockets/sockets.ts'
import { FirstWire, type WireDial } from '../wires/first-wire.ts'
import type { Wire } from '../wires/wire.ts'
import type { RelayAddress } from './relay-address.ts'

/**
 * How each relay was reached last: where a network lets out nothing but the web, that is tried first. By the object of its key: the address of a replica is made anew
 * whenever it is looked up.
 */
const reachedBy = new WeakMap<Uint8Array, Wire['kind']>()

/** Begins a connection to a relay: over TCP where this platform and the relay have it, and over its WebSocket too where TCP brings no answer. */
export function dialRelayWire(address: RelayAddress): Wire {
  const { publicKey, tcp, ws } = address
  const overTcp: WireDial | null =
    tcp === undefined || !hasTcp ? null : { kind: 'tcp', begin: () => dialTcp(tcp.host, tcp.port) }
  const overWs: WireDial | null = ws === undefined ? null : { kind: 'ws', begin: () => dialWs(ws) }
  if (overTcp !== null && overWs !== null) {
    const dials: [WireDial, WireDial] =
      reachedBy.get(publicKey) === 'ws' ? [overWs, overTcp] : [overTcp, overWs]
    return new FirstWire(dials, {
      isAnswer: ([type]) => type === FRAME.WELCOME,
      onchosen: (kind) => reachedBy.set(publicKey, kind)
    })
  }
  const only = overTcp ?? overWs
  if (only === null)
    throw new RelayError('RELAY_BAD_ARGUMENT', 'the relay has no address that this platform can reach')
  return only.begin()
}
