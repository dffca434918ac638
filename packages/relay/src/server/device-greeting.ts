import { Lease } from '../policy/lease.ts'
import type { RelayPolicy } from '../policy/relay-policy.ts'
import { encodeWelcome, PROTOCOL_VERSION } from '../protocol/control.ts'
import { ControlCipher, Handshake } from '../protocol/handshake.ts'
import type { Refusal } from '../protocol/refusal.ts'
import type { KeyPair } from '../types.ts'

/** What comes of a HELLO. */
export type Greeting = Welcomed | Unwelcome

/** The device is served, once it has proven by a sealed message that it has said that itself. */
interface Welcomed {
  readonly answer: Uint8Array
  readonly refused: null
  /** To be ended by whoever greets. */
  readonly lease: Lease
  /** The bytes it has shown, if any. */
  readonly grant: Uint8Array
  readonly cipher: ControlCipher
}

interface Unwelcome {
  readonly answer: Uint8Array
  readonly refused: Refusal
}

/**
 * Greets a device. Costs a handshake, and a signature check where there is a grant.
 *
 * @param hello - body of the HELLO
 * @returns the body of the WELCOME and what it says; `null` for what is no HELLO
 */
export function greetDevice(hello: Uint8Array, keyPair: KeyPair, policy: RelayPolicy): Greeting | null {
  const handshake = new Handshake('device to relay', keyPair, null)
  const payload = handshake.receive(hello)
  const device = handshake.remotePublicKey
  if (payload === null || device === null || payload[0] !== PROTOCOL_VERSION) return null
  const grant = new Uint8Array(payload.subarray(1))
  const lease = admit(new Uint8Array(device), grant, policy)
  const answer = (refused: Refusal | null): Uint8Array => handshake.send(encodeWelcome(refused))
  if (!(lease instanceof Lease)) return { answer: answer(lease), refused: lease }
  const welcome = answer(null)
  const secrets = handshake.secrets()
  if (secrets !== null)
    return { answer: welcome, refused: null, lease, grant, cipher: new ControlCipher(secrets) }
  lease.end()
  return null
}

function admit(device: Uint8Array, grant: Uint8Array, policy: RelayPolicy): Lease | Refusal {
  const lease = policy.admit(device, grant)
  const full = lease instanceof Lease ? lease.full('connections') : null
  if (!(lease instanceof Lease) || full === null) return lease
  lease.end()
  return full
}
