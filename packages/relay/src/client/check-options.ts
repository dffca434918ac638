import { checkPeerAddresses } from '../addresses/peer-addresses.ts'
import { isPort } from '../addresses/port.ts'
import { checkRelay } from '../addresses/relay-address.ts'
import { RelayError } from '../errors.ts'
import { checkGrant, checkKey, checkList, checkWhole } from '../arguments.ts'
import { LEAST_WINDOW_BYTES } from '../session/greeting.ts'
import { type RelayClientOptions, WINDOW_BYTES } from './options.ts'

/** Longer timers are none: they overflow. */
const MOST_MS = 2 ** 31 - 1
/** As many times `retryMs` are waited for at most, and of nothing else more than a few. */
const MOST_RETRIES = 90
const FEW = 4

const PUBLISHING: readonly unknown[] = ['everywhere', 'relays', 'nowhere']

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
  publish = 'everywhere',
  firewall,
  listen = null,
  peerAddresses = 'machine',
  times = {}
}: RelayClientOptions): void {
  if (keyPair?.publicKey?.length !== 32 || keyPair.secretKey?.length !== 64)
    throw new RelayError('RELAY_BAD_ARGUMENT', 'a device needs an Ed25519 key pair')
  if (!Number.isSafeInteger(windowBytes) || windowBytes < LEAST_WINDOW_BYTES)
    throw new RelayError('RELAY_BAD_ARGUMENT', `a window has ${LEAST_WINDOW_BYTES} bytes or more`)
  checkList(relays, 'relays')
  checkList(owners, 'owners')
  for (const relay of relays) checkRelay(relay)
  for (const { owner, grant } of owners) {
    checkKey(owner, 'an owner')
    checkGrant(grant)
  }
  if (replicas !== null && relays.length > 0)
    throw new RelayError('RELAY_BAD_ARGUMENT', 'a device has relays or replicas, not both')
  if (!PUBLISHING.includes(publish))
    throw new RelayError('RELAY_BAD_ARGUMENT', "publish is one of 'everywhere', 'relays' and 'nowhere'")
  if (firewall !== undefined && firewall !== null && typeof firewall !== 'function')
    throw new RelayError('RELAY_BAD_ARGUMENT', 'a firewall is a function')
  checkPeerAddresses(peerAddresses)
  if (listen !== null) checkListen(listen)
  checkTimes(times)
}

function checkListen({ host, port = 0, announce = [] }: NonNullable<RelayClientOptions['listen']>): void {
  if ((host !== undefined && typeof host !== 'string') || !(port === 0 || isPort(port)))
    throw new RelayError(
      'RELAY_BAD_ARGUMENT',
      `a device cannot listen at ${host ?? 'all addresses'}, port ${port}`
    )
  checkAddresses(announce)
}

/** What is no number, or 0, would be a timer of a millisecond. Only what begins beside something else may do so at once. */
function checkTimes(times: NonNullable<RelayClientOptions['times']>): void {
  for (const [name, value] of Object.entries(times)) {
    const least = name === 'staggerMs' || name === 'preferMs' ? 0 : 1
    checkWhole(value, name, least, Math.floor(MOST_MS / (name === 'retryMs' ? MOST_RETRIES : FEW)))
  }
}

/** @throws RelayError `RELAY_BAD_ARGUMENT` unless it is a list of text; what is no address fails when it is dialled */
export function checkAddresses(addresses: unknown): void {
  checkList(addresses, 'addresses')
  if (addresses.some((address) => typeof address !== 'string'))
    throw new RelayError('RELAY_BAD_ARGUMENT', 'an address is host:port')
}
