/**
 * Devices on the local network, found by mDNS.
 *
 * @packageDocumentation
 */
export { type LanAddress, LanDiscovery, type LanDiscoveryOptions } from './lan-discovery.ts'
