import type { InterfaceAddress } from '#os'

/** An IPv4 network: address and mask, as numbers. */
export interface Link {
  readonly address: number
  readonly mask: number
}

/**
 * The networks of the interfaces that have one of these addresses: all that each has, since a machine can be in several on one wire. An address that is of no interface
 * is a network by itself.
 */
export function linksOf(
  addresses: ReadonlySet<string>,
  interfaces: Readonly<Record<string, readonly InterfaceAddress[] | undefined>>
): Link[] {
  const used = Object.values(interfaces).filter((all) => all?.some(({ address }) => addresses.has(address)))
  const links = used
    .flatMap((all) => all ?? [])
    .filter(({ family }) => family === 'IPv4' || family === 4)
    .map(({ address, netmask }) => ({ address: bitsOf(address), mask: bitsOf(netmask) }))
  return [...links, ...[...addresses].map((address) => ({ address: bitsOf(address), mask: -1 }))]
}

/** Whether an IPv4 address is in one of these networks. */
export function isOnLink(address: string, links: readonly Link[]): boolean {
  const bits = bitsOf(address)
  return links.some((link) => ((bits ^ link.address) & link.mask) === 0)
}

/** Dotted, as the system writes it. */
function bitsOf(address: string): number {
  return address.split('.').reduce((bits, byte) => (bits << 8) | Number(byte), 0)
}
