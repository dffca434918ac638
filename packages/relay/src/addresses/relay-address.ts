import { checkGrant, checkKey } from '../arguments.ts'
import { RelayError } from '../errors.ts'
import { isPublicKey } from '../protocol/public-key.ts'
import { hasTcp } from '../sockets/sockets.ts'
import { isPort } from './port.ts'

/** The bytes that `createGrant` gave; or a function that gives the newest, asked whenever a relay is dialled: where it throws, nothing is shown. */
export type ShownGrant = Uint8Array | (() => Uint8Array)

/** A relay, and where it listens: TCP, WebSocket or both. The address is never taken from anybody else than the app. */
export interface RelayAddress {
  /** 32 bytes: what listens there must prove to have it. */
  readonly publicKey: Uint8Array
  readonly tcp?: { readonly host: string; readonly port: number }
  /** `ws:` or `wss:`; what a browser takes. */
  readonly ws?: string
  /** What this device shows there, each time it connects. @defaultValue nothing: it is on the relay's allow-list */
  readonly grant?: ShownGrant
}

/** What is shown to a relay now; `null` for nothing. */
export function grantNow(grant: ShownGrant | undefined): Uint8Array | null {
  if (typeof grant !== 'function') return grant ?? null
  try {
    const newest: unknown = grant()
    return newest instanceof Uint8Array ? newest : null
  } catch {
    return null
  }
}

/**
 * Refuses what no relay can be at, before it is dialled from a timer.
 *
 * @throws RELAY_BAD_ARGUMENT
 */
export function checkRelay({ publicKey, tcp, ws, grant }: RelayAddress): void {
  checkKey(publicKey, 'the public key of a relay')
  if (!isPublicKey(publicKey))
    throw new RelayError('RELAY_BAD_ARGUMENT', 'the public key of a relay is no Ed25519 public key')
  if (tcp !== undefined && (typeof tcp.host !== 'string' || !isPort(tcp.port)))
    throw new RelayError('RELAY_BAD_ARGUMENT', `${tcp.host}:${tcp.port} is no host and port of a relay`)
  if (ws !== undefined && !isWebSocketUrl(ws))
    throw new RelayError('RELAY_BAD_ARGUMENT', `${ws} is no ws: or wss: URL of a relay`)
  if (ws === undefined && (tcp === undefined || !hasTcp))
    throw new RelayError('RELAY_BAD_ARGUMENT', 'the relay has no address that this platform can reach')
  checkGrant(grant)
}

function isWebSocketUrl(url: string): boolean {
  try {
    return /^wss?:$/.test(new URL(url).protocol)
  } catch {
    return false
  }
}
