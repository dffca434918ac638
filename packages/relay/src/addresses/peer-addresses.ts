import { RelayError } from '../errors.ts'
import { isPort } from './port.ts'

/**
 * How far an address may be that a connected device has named: on this machine too, on its networks, on the internet only, or nothing that is named, a key in the DHT
 * neither.
 */
export type PeerAddresses = 'machine' | 'network' | 'internet' | 'none'

/** Each takes those after it along. */
const REACHES: readonly PeerAddresses[] = ['machine', 'network', 'internet']

/** @throws RELAY_BAD_ARGUMENT */
export function checkPeerAddresses(reach: unknown): void {
  if (reach === 'none' || REACHES.some((one) => one === reach)) return
  throw new RelayError(
    'RELAY_BAD_ARGUMENT',
    "peerAddresses is one of 'machine', 'network', 'internet' and 'none'"
  )
}

/**
 * Whether an address that another device has named is dialled: `host:port`, where the host is the literal address of one machine. A name would let it make
 * this device ask for names, and reach what is only meant for this machine's own network under another one.
 *
 * Loopback is one: two apps of one machine meet there.
 */
export function isDialable(address: string, reach: PeerAddresses = 'machine'): boolean {
  const [, six, four, port] = /^(?:\[([0-9a-f:.]+)\]|([0-9.]+)):([0-9]{1,5})$/i.exec(address) ?? []
  const of = isPort(Number(port)) ? (four === undefined ? reach6(six ?? '') : reach4(four)) : null
  return of !== null && reach !== 'none' && REACHES.indexOf(of) >= REACHES.indexOf(reach)
}

/**
 * `null` for "this network", link-local, multicast and reserved: RFC 6890. Private: RFC 1918, RFC 6598's of carriers, and what
 * RFC 6890 has for protocols and measurements.
 */
function reach4(host: string): PeerAddresses | null {
  const bytes = host.split('.').map(Number)
  const [first = 0, second = 0] = bytes
  // Other ways to write it the platform takes for names, and reads a leading zero as octal: inet_aton(3).
  const isPlain = bytes.length === 4 && bytes.every((byte) => byte <= 255) && bytes.join('.') === host
  if (!isPlain) return null
  if (first === 0 || first >= 224 || (first === 169 && second === 254)) return null
  if (first === 127) return 'machine'
  const isPrivate =
    first === 10 ||
    (first === 172 && second >> 4 === 1) ||
    (first === 192 && (second === 168 || (second === 0 && bytes[2] === 0))) ||
    (first === 198 && second >> 1 === 9) ||
    (first === 100 && second >> 6 === 1)
  return isPrivate ? 'network' : 'internet'
}

/** `null` for unspecified, link-local and multicast: RFC 4291, 2.4. Private: unique local, RFC 4193, and site-local, RFC 3879. */
function reach6(host: string): PeerAddresses | null {
  const short = shortest6(host)
  if (short === null || short === '::' || /^(fe[89ab]|ff)/.test(short)) return null
  if (short === '::1') return 'machine'
  // An IPv4 address in another coat: RFC 4291, 2.5.5, RFC 6052 (NAT64), RFC 3056 (6to4).
  const [, high, low] =
    /^(?:::(?:ffff:)?|64:ff9b::)([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(short) ??
    /^2002:([0-9a-f]{1,4}):([0-9a-f]{1,4}):/.exec(short) ??
    []
  if (high !== undefined && low !== undefined) {
    const [a, b] = [Number.parseInt(high, 16), Number.parseInt(low, 16)]
    return reach4(`${a >> 8}.${a & 255}.${b >> 8}.${b & 255}`)
  }
  return /^(f[cd]|fe[c-f])/.test(short) ? 'network' : 'internet'
}

/** As RFC 5952 writes it, which is what a URL has; `null` for what is no IPv6 address. */
function shortest6(host: string): string | null {
  try {
    return new URL(`http://[${host}]/`).hostname.slice(1, -1)
  } catch {
    return null
  }
}
