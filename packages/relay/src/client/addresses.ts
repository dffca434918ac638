import { RelayError } from '../errors.ts'
import { hasTcp } from '../sockets/sockets.ts'
import type { RelayAddress } from './options.ts'

/**
 * Refuses what no relay can be at, before it is dialled from a timer.
 *
 * @throws RELAY_BAD_ARGUMENT
 */
export function checkRelay({ publicKey, tcp, ws, grant }: RelayAddress): void {
  if (!(publicKey instanceof Uint8Array) || publicKey.length !== 32)
    throw new RelayError('RELAY_BAD_ARGUMENT', 'the public key of a relay has 32 bytes')
  if (tcp !== undefined && (typeof tcp.host !== 'string' || !isPort(tcp.port)))
    throw new RelayError('RELAY_BAD_ARGUMENT', `${tcp.host}:${tcp.port} is no host and port of a relay`)
  if (ws !== undefined && !isWebSocketUrl(ws))
    throw new RelayError('RELAY_BAD_ARGUMENT', `${ws} is no ws: or wss: URL of a relay`)
  if (ws === undefined && (tcp === undefined || !hasTcp))
    throw new RelayError('RELAY_BAD_ARGUMENT', 'the relay has no address that this platform can reach')
  if (grant !== undefined && !(grant instanceof Uint8Array))
    throw new RelayError('RELAY_BAD_ARGUMENT', 'a grant is the bytes that createGrant gave')
}

/** Whether it is a port that can be dialled. */
export function isPort(port: unknown): boolean {
  return Number.isInteger(port) && Number(port) >= 1 && Number(port) <= 65_535
}

/**
 * Whether an address that another device has named is dialled: `host:port`, where the host is the literal address of one machine. A name would let it make
 * this device ask for names, and reach what is only meant for this machine's own network under another one.
 *
 * Loopback is one: two apps of one machine meet there.
 */
export function isDialable(address: string): boolean {
  const [, six, four, port] = /^(?:\[([0-9a-f:.]+)\]|([0-9.]+)):([0-9]{1,5})$/i.exec(address) ?? []
  if (!isPort(Number(port))) return false
  if (four !== undefined) return isHost4(four)
  const mapped = /^::(?:ffff:)?([0-9.]+)$/i.exec(six ?? '')?.[1]
  if (mapped !== undefined) return isHost4(mapped)
  // Neither unspecified, nor of the link, nor multicast: RFC 4291, 2.4.
  return six !== undefined && six.includes(':') && !/^(::$|fe[89ab]|ff)/i.test(six)
}

/** Neither "this network", nor of the link, nor multicast or reserved: RFC 6890. */
function isHost4(host: string): boolean {
  const bytes = host.split('.').map(Number)
  const [first = 0, second] = bytes
  if (bytes.length !== 4 || bytes.some((byte) => byte > 255)) return false
  return first !== 0 && first < 224 && !(first === 169 && second === 254)
}

function isWebSocketUrl(url: string): boolean {
  try {
    return /^wss?:$/.test(new URL(url).protocol)
  } catch {
    return false
  }
}
