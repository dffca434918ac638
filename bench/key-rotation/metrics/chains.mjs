// What a verifier does: a whole chain, and one more event. The floor is one Ed25519 verification each.
import { median } from '../../harness/median.mjs'

const EVENTS = 1_000
const WARM = 3
const ROUNDS = 15

/** @type {import('../../harness/suite.mjs').Scenario} */
export const chains = {
  module: import.meta.url,
  metrics: [
    ...['verify-1000', 'verify-one'].map((name) => ({ name, unit: 'ms' })),
    { name: 'event-bytes', unit: 'bytes' }
  ].map((metric) => ({ ...metric, sizes: ['small'] })),
  subjects: { 'key-rotation': ['small'], ed25519: ['small'] },
  measure: async ({ subject, step }) => (await step(subject === 'ed25519' ? 'signatures' : 'chain')).values
}

export const steps = {
  async chain() {
    const api = await import('@cloudpal/key-rotation')
    const [control, next, phone] = [api.createKeyPair(), api.createKeyPair(), api.createKeyPair()]
    const chain = api.Sigchain.incept({
      control: { keys: [control.publicKey] },
      next: { keys: [next.publicKey] },
      signers: [control]
    })
    for (let i = 0; i < EVENTS - 1; i++) {
      const core = api.createKeyPair().publicKey
      chain.rollCore({ rolls: [{ name: `core ${i}`, core, previous: null }] }, [control])
    }
    const bytes = chain.toBytes()
    const trusted = chain.state.identity
    const { state } = chain
    chain.addDevice(api.requestToJoin(trusted, phone, { name: 'phone' }), [control])
    const one = /** @type {Uint8Array} */ (chain.events.at(-1))
    const log = api.createKeyPair().publicKey
    chain.rollCore({ device: phone.publicKey, rolls: [{ name: 'log', core: log, previous: null }] }, [
      control
    ])
    const end = { core: log, fork: 0, length: 100_000, treeHash: trusted }
    const revoked = chain.revokeDevice(phone.publicKey, { reason: 'lost', cutOffs: [end] }, [control])
    return {
      'verify-1000': typical(() => api.verify(bytes, { trusted })),
      'verify-one': typical(() => api.apply(state, one)),
      'event-bytes': revoked.length
    }
  },

  async signatures() {
    const { default: crypto } = await import('hypercore-crypto')
    const { publicKey, secretKey } = crypto.keyPair()
    const message = new Uint8Array(64)
    const signature = crypto.sign(message, secretKey)
    return {
      'verify-1000': typical(() => {
        for (let i = 0; i < EVENTS; i++) crypto.verify(message, signature, publicKey)
      }),
      'verify-one': typical(() => crypto.verify(message, signature, publicKey))
    }
  }
}

/**
 * The median of some, in ms.
 *
 * @param {() => unknown} run
 */
function typical(run) {
  const times = []
  for (let round = 0; round < WARM + ROUNDS; round++) {
    const started = performance.now()
    run()
    if (round >= WARM) times.push(performance.now() - started)
  }
  return median(times)
}
