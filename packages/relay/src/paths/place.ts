const MAPPED = '0:0:0:0:0:ffff'

/** @returns the address, or of an IPv6 one its first 64 bits: whoever has one of those has all of them. An IPv4 address is the same also where it is written as an IPv6 one (RFC 4291, 2.5.5.2) */
export function placeOf(address: string): string {
  if (!address.includes(':')) return address
  const groups = groupsOf(address)
  if (groups.slice(0, 6).join(':') !== MAPPED) return groups.slice(0, 4).join(':')
  return groups
    .slice(6)
    .flatMap((group) => [Number.parseInt(group, 16) >> 8, Number.parseInt(group, 16) & 255])
    .join('.')
}

/** The eight of an IPv6 address, in hex, without leading zeros. */
function groupsOf(address: string): string[] {
  const hex = address.replace(/(\d+)[.](\d+)[.](\d+)[.](\d+)$/, (_, ...parts: string[]) => {
    const [a = 0, b = 0, c = 0, d = 0] = parts.slice(0, 4).map(Number)
    return `${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`
  })
  const [head = '', tail] = hex.split('::')
  const listed = (part: string): string[] => (part === '' ? [] : part.split(':'))
  const [first, last] = [listed(head), listed(tail ?? '')]
  const missing = tail === undefined ? 0 : 8 - first.length - last.length
  const zeros = Array.from({ length: missing }, () => '0')
  return [...first, ...zeros, ...last].map((group) => Number.parseInt(group, 16).toString(16))
}
