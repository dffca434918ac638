// A laptop revokes a device that is connected to eight others, each a process of its own, and writes to them all the while: how long from `revokeDevice`
// until the last of them has closed it.
import { fork } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { median } from '../../harness/median.mjs'
import { milliseconds } from '../../harness/stopwatch.mjs'

const PEERS = 8
const ROUNDS = 5
const DEVICE = fileURLToPath(new URL('../work/device.mjs', import.meta.url))

/** @type {import('../../harness/suite.mjs').Scenario} */
export const revocation = {
  module: import.meta.url,
  metrics: ['revoke-8', 'revoke-8-in-a-row'].map((name) => ({ name, unit: 'ms', sizes: ['small'] })),
  subjects: { 'key-rotation': ['small'] },
  measure: async ({ step }) => ({
    'revoke-8': (await step('star')).values['ms'] ?? Number.NaN,
    'revoke-8-in-a-row': (await step('row')).values['ms'] ?? Number.NaN
  })
}

export const steps = {
  /** The laptop is connected to all. @param {import('../../harness/suite.mjs').StepInput} input */
  star: ({ dir }) => revocations(dir, 'star'),
  /** The laptop is connected to the first, each of them to the next. @param {import('../../harness/suite.mjs').StepInput} input */
  row: ({ dir }) => revocations(dir, 'row')
}

/**
 * @param {string} dir
 * @param {'star' | 'row'} shape
 */
async function revocations(dir, shape) {
  const api = await import('@cloudpal/key-rotation')
  const { Authenticator } = await import('@cloudpal/key-rotation/protomux')
  const { default: NoiseSecretStream } = await import('@hyperswarm/secret-stream')
  const { connect } = await import('node:net')
  const [control, next, laptop] = [1, 2, 3].map((seed) => api.createKeyPair(Buffer.alloc(32, seed)))
  if (!control || !next || !laptop) throw new Error('three keys are needed')
  const chain = api.Sigchain.incept({
    control: { keys: [control.publicKey] },
    next: { keys: [next.publicKey] },
    signers: [control]
  })
  const { identity } = chain.state
  const admit = (
    /** @type {import('@cloudpal/key-rotation').KeyPair} */ device,
    /** @type {string} */ name
  ) => chain.addDevice(api.requestToJoin(identity, device, { name }), [control])
  admit(laptop, 'laptop')
  const seeds = Array.from({ length: PEERS }, (_, i) => Buffer.alloc(32, 10 + i))
  for (const [i, seed] of seeds.entries()) admit(api.createKeyPair(seed), `peer ${i}`)

  const opening = (/** @type {string} */ name, /** @type {Uint8Array} */ seed) => ({
    command: 'open',
    dir: join(dir, shape, name),
    identity: toHex(identity),
    chain: toHex(chain.toBytes()),
    seed: toHex(seed)
  })
  const peers = seeds.map(() => new Device())
  const ports = await Promise.all(
    peers.map(async (peer, i) => (await peer.ask(opening(`peer ${i}`, seeds[i] ?? identity), 'port'))['port'])
  )
  const store = { read: async () => null, write: async () => {} }
  const memory = await api.IdentityMemory.open(store, identity, chain.toBytes())
  const authenticator = new Authenticator(memory, laptop)
  for (const port of shape === 'star' ? ports : ports.slice(0, 1)) {
    const end = new NoiseSecretStream(true, /** @type {never} */ (connect(Number(port), '127.0.0.1')))
    await authenticator.authenticate(end)
  }
  if (shape === 'row')
    for (const [i, peer] of peers.slice(0, -1).entries())
      await peer.ask({ command: 'meet', ports: [ports[i + 1]] }, 'knows')

  const times = []
  for (let round = 0; round < ROUNDS; round++) {
    const seed = Buffer.alloc(32, 100 + round)
    const { publicKey } = api.createKeyPair(seed)
    admit(api.createKeyPair(seed), 'phone')
    await Promise.all([
      authenticator.publish(chain.events),
      ...peers.map((peer) => peer.hear('seq', chain.state.seq))
    ])
    const phone = new Device()
    await phone.ask(opening(`phone ${round}`, seed), 'port')
    const { log } = await phone.ask({ command: 'write' }, 'log')
    const read = peers.map((peer) => peer.ask({ command: 'follow', key: String(log) }, 'reads'))
    phone.send({ command: 'meet', ports })
    await Promise.all(read)
    const closed = peers.map((peer) => peer.hear('closed', 'KEY_ROTATION_DEVICE_REVOKED'))
    times.push(
      await milliseconds(async () => {
        chain.revokeDevice(publicKey, { reason: 'compromised' }, [control])
        await authenticator.publish(chain.events)
        await Promise.all(closed)
      })
    )
    phone.end()
  }
  for (const peer of peers) peer.end()
  return { ms: median(times) }
}

/** A device of work/device.mjs, as its parent sees it. */
class Device {
  #process = fork(DEVICE, [], { execArgv: [] })

  /** @param {object} order */
  send(order) {
    this.#process.send(order)
  }

  /** Sends, and waits for a fact of this name. @param {object} order @param {string} fact */
  async ask(order, fact) {
    const heard = this.hear(fact)
    this.send(order)
    return heard
  }

  /**
   * The next fact of a name, or of a name and value.
   *
   * @param {string} fact
   * @param {unknown} [value]
   * @returns {Promise<Record<string, unknown>>}
   */
  hear(fact, value) {
    return new Promise((resolve, reject) => {
      const listener = (/** @type {unknown} */ message) => {
        const facts = /** @type {Record<string, unknown>} */ (message)
        if (!(fact in facts) || (value !== undefined && facts[fact] !== value)) return
        this.#process.off('message', listener)
        this.#process.off('exit', gone)
        resolve(facts)
      }
      const gone = () => reject(new Error(`a device ended before it told its ${fact}`))
      this.#process.on('message', listener)
      this.#process.once('exit', gone)
    })
  }

  /** Ends the process at once. */
  end() {
    this.#process.removeAllListeners('exit')
    this.#process.kill('SIGKILL')
  }
}

/** @param {Uint8Array} bytes */
function toHex(bytes) {
  return Buffer.from(bytes).toString('hex')
}
