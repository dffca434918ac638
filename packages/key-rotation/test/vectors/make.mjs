// Everything the format says, from fixed inputs, with whatever implementation is given: Node's, Bare's or a browser's.

const START = 1_767_225_600_000
const DAY = 24 * 3600 * 1000

/** @param {Uint8Array} bytes */
export function toHex(bytes) {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
}

/** @param {string} hex */
export function fromHex(hex) {
  return Uint8Array.from(hex.match(/../g) ?? [], (pair) => parseInt(pair, 16))
}

/** @param {number} value @param {number} [length] */
function bytesOf(value, length = 32) {
  return new Uint8Array(length).fill(value)
}

/**
 * The vectors of format 1: a chain with every kind of event, what it comes to, a receipt, and changes of it that are refused.
 *
 * @param {typeof import('../../src/index.ts')} api
 */
export function makeVectors(api) {
  let at = START
  const now = () => at
  const [control, next, friend, friend2, laptop, phone, incoming, incomingNext, last] = Array.from(
    { length: 9 },
    (_, i) => api.createKeyPair(bytesOf(i + 1))
  )
  if (!control || !next || !friend || !friend2 || !laptop || !phone || !incoming || !incomingNext || !last)
    throw new Error('nine keys are needed')
  /** @param {{ publicKey: Uint8Array }[]} pairs */
  const keys = (...pairs) => ({ keys: pairs.map(({ publicKey }) => publicKey) })
  const quorum = { threshold: 2, ...keys(friend, friend2) }
  const chain = api.Sigchain.incept(
    {
      control: keys(control),
      next: keys(next),
      recovery: { quorum, delayMs: 7 * DAY },
      signers: [control],
      salt: bytesOf(200, 16)
    },
    { now }
  )
  const { identity } = chain.state
  chain.addDevice(api.requestToJoin(identity, laptop, { name: 'laptop', role: 'admin' }), [control])
  const terms = { name: 'phone ☎', role: /** @type {const} */ ('writer'), expires: START + 365 * DAY }
  chain.addDevice(api.requestToJoin(identity, phone, terms), [laptop])
  at += DAY
  const first = { name: 'notes', core: bytesOf(101), previous: null }
  chain.rollCore({ device: phone.publicKey, rolls: [first] }, [laptop, phone])
  const end = { core: bytesOf(101), fork: 0, length: 70_000, treeHash: bytesOf(102) }
  chain.revokeDevice(phone.publicKey, { reason: 'compromised', cutOffs: [end] }, [laptop])
  chain.rollCore({ rolls: [{ name: 'notes', core: bytesOf(103), previous: end }] }, [control])
  const keysToCome = { control: keys(incoming), next: keys(incomingNext) }
  chain.announceRecovery(keysToCome, [friend, friend2, incoming])
  chain.vetoRecovery([control])
  chain.announceRecovery({ ...keysToCome, revealed: keys(next) }, [friend, friend2, incoming, next])
  chain.recover([incoming])
  chain.rotate({ control: keys(incomingNext), next: keys(last) }, [incoming, incomingNext])
  const receipt = api.createReceipt(chain.state, laptop, at)
  return {
    identity: toHex(identity),
    head: toHex(chain.state.hash),
    events: chain.events.map((event) => toHex(event)),
    chain: toHex(chain.toBytes()),
    receipt: toHex(receipt),
    control: chain.state.control.keys.map((key) => toHex(key)),
    devices: chain.state.devices.map(
      ({ key, name, role, revoked }) => `${toHex(key)} ${name} ${role} ${revoked?.reason ?? '-'}`
    )
  }
}

/**
 * Reads the vectors, and damaged ones.
 *
 * @param {typeof import('../../src/index.ts')} api
 * @param {ReturnType<typeof makeVectors>} vectors
 */
export function checkVectors(api, vectors) {
  const trusted = fromHex(vectors.identity)
  const bytes = fromHex(vectors.chain)
  const { state, witnesses } = api.verify(bytes, {
    trusted,
    witnesses: { receipts: [fromHex(vectors.receipt)] }
  })
  same('head', toHex(state.hash), vectors.head)
  same('witnesses', witnesses.confirmed.length, 1)
  let refused = 0
  for (let i = 0; i < bytes.length; i += 7) {
    const damaged = Uint8Array.from(bytes)
    damaged[i] = (bytes[i] ?? 0) ^ 1
    try {
      api.verify(damaged, { trusted })
    } catch (error) {
      if (error instanceof api.KeyRotationError) refused++
    }
  }
  same('refused', refused, Math.ceil(bytes.length / 7))
}

/**
 * @param {string} what
 * @param {unknown} a
 * @param {unknown} b
 */
export function same(what, a, b) {
  const [one, other] = [JSON.stringify(a), JSON.stringify(b)]
  if (one !== other) throw new Error(`${what}: ${one} is not ${other}`)
}
