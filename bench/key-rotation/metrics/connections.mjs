// Two devices on a pair of streams in one process: how long until both are connected, and until both know each other.
import { median } from '../../harness/median.mjs'
import { milliseconds } from '../../harness/stopwatch.mjs'

const WARM = 10
const ROUNDS = 100

/** @type {import('../../harness/suite.mjs').Scenario} */
export const connections = {
  module: import.meta.url,
  metrics: ['connect', 'authenticate'].map((name) => ({ name, unit: 'ms', sizes: ['small'] })),
  subjects: { 'key-rotation': ['small'] },
  measure: async ({ step }) => (await step('pairs')).values
}

export const steps = {
  async pairs() {
    const { default: NoiseSecretStream } = await import('@hyperswarm/secret-stream')
    const api = await import('@cloudpal/key-rotation')
    const { Authenticator } = await import('@cloudpal/key-rotation/protomux')
    const [control, next, phone, laptop] = [0, 1, 2, 3].map(() => api.createKeyPair())
    if (!control || !next || !phone || !laptop) throw new Error('four keys are needed')
    const chain = api.Sigchain.incept({
      control: { keys: [control.publicKey] },
      next: { keys: [next.publicKey] },
      signers: [control]
    })
    const { identity } = chain.state
    for (const [name, device] of Object.entries({ phone, laptop }))
      chain.addDevice(api.requestToJoin(identity, device, { name }), [control])
    const parties = await Promise.all(
      [phone, laptop].map(async (device) => {
        const store = { read: async () => null, write: async () => {} }
        return new Authenticator(await api.IdentityMemory.open(store, identity, chain.toBytes()), device)
      })
    )
    /** @type {Record<string, number[]>} */
    const times = { connect: [], authenticate: [] }
    for (let round = 0; round < WARM + ROUNDS; round++) {
      for (const name of ['connect', 'authenticate']) {
        const ends = [new NoiseSecretStream(true), new NoiseSecretStream(false)]
        const took = await milliseconds(async () => {
          const [a, b] = ends.map((end) => /** @type {import('hypercore').DuplexStream} */ (end.rawStream))
          if (a && b) a.pipe(b).pipe(a)
          if (name === 'connect') await Promise.all(ends.map((end) => end.opened))
          else await Promise.all(ends.map(async (end, i) => parties[i]?.authenticate(end)))
        })
        if (round >= WARM) times[name]?.push(took)
        for (const end of ends) end.destroy()
      }
    }
    return Object.fromEntries(Object.entries(times).map(([name, values]) => [name, median(values)]))
  }
}
