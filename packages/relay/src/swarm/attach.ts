import type { RelayClientOptions } from '../client/options.ts'
import { RelayClient } from '../client/relay-client.ts'
import { SwarmAdapter } from './hyperswarm-adapter.ts'

/** Options of {@link attach}: those of a client, but for what the swarm has. */
export type AttachOptions = Omit<RelayClientOptions, 'keyPair' | 'dht' | 'firewall'>

/**
 * Lets a Hyperswarm connect through relays where it cannot directly.
 *
 * Whenever the swarm dials, relays are raced with the direct attempt, a moment later; the swarm sees one connection, an ordinary secret-stream.
 * The device registers at the relays with the swarm's key, and what comes in through them comes in as `'connection'`. Peers that know
 * nothing of this package are reached directly, as before. The swarm's firewall and bans apply to all.
 *
 * @param swarm - a Hyperswarm 4, borrowed: whoever destroys it ends the client too
 * @returns the client; `close()` makes the swarm what it was
 * @throws {@link RelayError} `RELAY_BAD_ARGUMENT`
 */
export function attach(swarm: object, options: AttachOptions): RelayClient {
  const adapter = new SwarmAdapter(swarm)
  const client = new RelayClient({
    ...options,
    keyPair: adapter.keyPair,
    dht: adapter.dht,
    firewall: (remotePublicKey) => adapter.refuses(remotePublicKey)
  })
  client.on('connection', (connection: Parameters<typeof adapter.accept>[0]) => adapter.accept(connection))
  const release = adapter.take(
    (publicKey, dhtOptions) => client.connect(publicKey, { dhtOptions }),
    () => client.close()
  )
  client.once('close', release)
  client.ready().catch(() => {})
  return client
}
