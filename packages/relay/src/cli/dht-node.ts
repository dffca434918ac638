import { BootstrapNode, type BootstrapNodeOptions } from '../bootstrap/bootstrap-node.ts'
import { listening } from '../bootstrap/listening-node.ts'
import { loaded } from '../bootstrap/loaded.ts'
import { RelayError } from '../errors.ts'
import type { KeyPair } from '../types.ts'
import type { DhtLike } from '../udp/dht.ts'

/** What the UDP plane is told. */
export interface DhtSettings {
  host?: string
  udpPort?: number
  udpHost?: string
  bootstrap?: readonly { host: string; port: number }[]
  bootstrapHost?: string
}

/** A node of hyperdht that belongs to the program. */
export interface DhtNode {
  readonly node: DhtLike
  readonly port: number
  close(): Promise<void>
}

/**
 * The node that the UDP plane answers on; `null` where no port is given. hyperdht is an optional peer, and loaded here and now.
 *
 * @throws RelayError `RELAY_BAD_ARGUMENT`, `RELAY_CANNOT_LISTEN`, `RELAY_UNSUPPORTED_UPSTREAM` where hyperdht is missing
 */
export async function dhtNodeOf(settings: DhtSettings, keyPair: KeyPair): Promise<DhtNode | null> {
  const { udpPort: port, udpHost: host = settings.host ?? '0.0.0.0', bootstrap, bootstrapHost } = settings
  if (port === undefined) {
    if (bootstrap === undefined && bootstrapHost === undefined) return null
    throw new RelayError('RELAY_BAD_ARGUMENT', '--bootstrap and --bootstrap-host need --udp-port')
  }
  if (bootstrapHost === undefined) return joined({ host, port, keyPair, ...(bootstrap && { bootstrap }) })
  if (bootstrap !== undefined)
    throw new RelayError(
      'RELAY_BAD_ARGUMENT',
      '--bootstrap or --bootstrap-host: the first node knows no other'
    )
  return first({ host: bootstrapHost, port, bindHost: host, keyPair })
}

async function joined(options: {
  host: string
  port: number
  keyPair: KeyPair
  bootstrap?: readonly { host: string; port: number }[]
}): Promise<DhtNode> {
  const { default: HyperDHT } = await loaded(() => import('hyperdht'))
  // Another port than the one that was asked for, and opened in a firewall, is of no use.
  const made = new HyperDHT({ ...options, anyPort: options.port === 0 })
  const node = await listening(made, `${options.host}, UDP port ${options.port}`)
  return { node, port: node.address().port, close: () => node.destroy() }
}

async function first(options: BootstrapNodeOptions): Promise<DhtNode> {
  const bootstrap = new BootstrapNode(options)
  await bootstrap.ready()
  return { node: bootstrap.node, port: options.port, close: () => bootstrap.close() }
}
