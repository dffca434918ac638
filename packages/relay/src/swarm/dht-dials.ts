import type NoiseSecretStream from '@hyperswarm/secret-stream'
import type { DhtConnectOptions, DhtLike } from '../dht.ts'
import type { KeyPair } from '../types.ts'

type Dial = (publicKey: Uint8Array, options: DhtConnectOptions) => NoiseSecretStream

/** What stands before the `connect` of a node: swarms may share one. */
interface Dials {
  readonly connect: DhtLike['connect']
  /** By the key pair that a swarm dials with: the object, not its bytes. */
  readonly byKeyPair: Map<KeyPair, Dial>
  readonly put: DhtLike['connect']
}

const known = new WeakMap<DhtLike, Dials>()

/**
 * From now on `dial` is called when a node is asked to connect with this key pair.
 *
 * @returns the node's own `connect`, and what gives its place back: in any order, and also where somebody else has put something before it since
 */
export function takeDials(
  dht: DhtLike,
  keyPair: KeyPair,
  dial: Dial
): { readonly connect: DhtLike['connect']; release(): void } {
  const dials = known.get(dht) ?? putBefore(dht)
  dials.byKeyPair.set(keyPair, dial)
  const release = (): void => {
    dials.byKeyPair.delete(keyPair)
    if (dials.byKeyPair.size > 0 || dht.connect !== dials.put) return
    dht.connect = dials.connect
    known.delete(dht)
  }
  return { connect: dials.connect.bind(dht), release }
}

function putBefore(dht: DhtLike): Dials {
  const { connect } = dht
  const byKeyPair = new Map<KeyPair, Dial>()
  const put: DhtLike['connect'] = (publicKey, options = {}) => {
    const dial = options.keyPair === undefined ? undefined : byKeyPair.get(options.keyPair)
    return dial === undefined ? connect.call(dht, publicKey, options) : dial(publicKey, options)
  }
  const dials = { connect, byKeyPair, put }
  known.set(dht, dials)
  dht.connect = put
  return dials
}
