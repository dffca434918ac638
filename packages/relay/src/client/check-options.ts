import { checkPeerAddresses } from '../addresses/peer-addresses.ts'
import { checkRelay } from '../addresses/relay-address.ts'
import { RelayError } from '../errors.ts'
import { checkKey, checkWhole } from '../arguments.ts'
import { LEAST_WINDOW_BYTES } from '../session/greeting.ts'
import { type RelayClientOptions, WINDOW_BYTES } from './options.ts'

/** Longer timers are none: they overflow. */
const MOST_MS = 2 ** 31 - 1

/**
 * Refuses what no client can be made with. What is in a replica set is checked where it is opened.
 *
 * @throws RelayError `RELAY_BAD_ARGUMENT`
 */
export function checkOptions({
  keyPair,
  windowBytes = WINDOW_BYTES,
  relays = [],
  replicas = null,
  owners = [],
  peerAddresses = 'machine',
  times = {}
}: RelayClientOptions): void {
  if (keyPair?.publicKey?.length !== 32 || keyPair.secretKey?.length !== 64)
    throw new RelayError('RELAY_BAD_ARGUMENT', 'a device needs an Ed25519 key pair')
  if (!Number.isSafeInteger(windowBytes) || windowBytes < LEAST_WINDOW_BYTES)
    throw new RelayError('RELAY_BAD_ARGUMENT', `a window has ${LEAST_WINDOW_BYTES} bytes or more`)
  for (const relay of relays) checkRelay(relay)
  checkPeerAddresses(peerAddresses)
  // What is no number would be a timer of a millisecond.
  for (const [name, value] of Object.entries(times)) checkWhole(value, name, 0, MOST_MS)
  for (const { owner } of owners) checkKey(owner, 'an owner')
  if (replicas !== null && relays.length > 0)
    throw new RelayError('RELAY_BAD_ARGUMENT', 'a device has relays or replicas, not both')
}
