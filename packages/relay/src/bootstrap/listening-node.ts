import type HyperDHT from 'hyperdht'
import { cannotListen } from '../cannot-listen.ts'

/**
 * Waits until a node of hyperdht has its port, not until others have answered, and takes it down where it cannot have it. The only file that touches its private parts: `io` of dht-rpc 6, which
 * leaves a watcher behind that keeps the process alive.
 *
 * @param where - address and port, for people
 * @throws RelayError `RELAY_CANNOT_LISTEN`
 */
export async function listening(node: HyperDHT, where: string): Promise<HyperDHT> {
  try {
    await node.bind()
    return node
  } catch (error) {
    // What was never bound says so once more.
    await node.destroy({ force: true }).catch(() => {})
    await node.io.networkInterfaces.destroy()
    throw cannotListen(where, error)
  }
}
