import type { RelayClientOptions } from '../client/options.ts'
import { RelayClient } from '../client/relay-client.ts'
import { SwarmAdapter } from './hyperswarm-adapter.ts'
import { errorForSwarm } from './swarm-error.ts'

/** Options of {@link attach}: those of a client, but for what the swarm has. */
export type AttachOptions = Omit<RelayClientOptions, 'keyPair' | 'dht' | 'firewall'>

/**
 * Lets a Hyperswarm connect through relays where it cannot directly.
 *
 * Whenever the swarm dials, relays are raced with the direct attempt; the swarm sees one connection, an ordinary secret-stream.
 * The device registers at the relays with the swarm's key, and what comes in through them comes in as `'connection'`. Peers that know
 * nothing of this package are reached directly, as before. The swarm's firewall and bans apply to all. While the swarm is suspended, the device is registered nowhere.
 *
 * @param swarm - a Hyperswarm 4, borrowed: whoever destroys it ends the client too
 * @returns the client; `close()` makes the swarm what it was, and so does a port that is taken: its `ready()` rejects then
 * @throws {@link RelayError} `RELAY_BAD_ARGUMENT`, also where the swarm has a client already, or was destroyed
 */
export function attach(swarm: object, options: AttachOptions): RelayClient {
  const adapter = new SwarmAdapter(swarm)
  let client: RelayClient
  try {
    client = new RelayClient({
      ...options,
      keyPair: adapter.keyPair,
      dht: adapter.dht,
      firewall: (remotePublicKey) => adapter.refuses(remotePublicKey)
    })
  } catch (error) {
    adapter.release()
    throw error
  }
  client.on('connection', (connection) => adapter.accept(connection))
  adapter.take({
    dial: (publicKey, dhtOptions) => {
      try {
        return client.connect(publicKey, { dhtOptions, explain: errorForSwarm })
      } catch {
        // It closes, and the swarm goes on without.
        return null
      }
    },
    end: () => client.close().finally(() => adapter.release()),
    suspend: () => client.suspend(),
    resume: () => client.resume()
  })
  client.once('close', () => adapter.release())
  if (adapter.suspended) client.suspend()
  client.ready().catch(() => {})
  return client
}
