import { type RelayAddress, type ShownGrant, checkRelay } from '../addresses/relay-address.ts'
import type { Replica } from './replica-set.ts'

/**
 * Where a replica of a signed set is dialled: the first `tcp://host:port` and the first `ws:` or `wss:` URL of its addresses. Others are left to later versions.
 *
 * @param grant - what is shown there; `null` for nothing
 * @returns `null` when it has none that this platform can reach, or a key that no handshake takes
 */
export function replicaAddress({ key, addresses }: Replica, grant: ShownGrant | null): RelayAddress | null {
  const tcp = addresses.map(tcpOf).find((found) => found !== null) ?? null
  const ws = addresses.find((address) => /^wss?:/.test(address)) ?? null
  const address: RelayAddress = {
    publicKey: key,
    ...(tcp === null ? {} : { tcp }),
    ...(ws === null ? {} : { ws }),
    ...(grant === null ? {} : { grant })
  }
  try {
    checkRelay(address)
    return address
  } catch {
    return null
  }
}

function tcpOf(address: string): { readonly host: string; readonly port: number } | null {
  const [, six, host, port] = /^tcp:\/\/(?:\[([0-9a-f:.]+)\]|([^:/[\]]+)):([0-9]{1,5})$/i.exec(address) ?? []
  const name = six ?? host
  return name === undefined ? null : { host: name, port: Number(port) }
}
