// Everything the format says, from fixed inputs, with whatever implementation is given: Node's, Bare's or a browser's.

/**
 * What has randomness in it that nobody can set: made once.
 *
 * @typedef {{ sealed: string, forged: string, help: string, saved: string }} Pinned
 */

/** A point of order 8: https://cr.yp.to/ecdh.html#validate */
const LOW_ORDER = 'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800'

/** @param {number} first */
function counting(first) {
  let next = first
  return (/** @type {number} */ length) => Uint8Array.from({ length }, () => next++ % 256)
}

/** @param {Uint8Array} bytes */
export function toHex(bytes) {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
}

/** @param {string} hex */
export function fromHex(hex) {
  return Uint8Array.from(hex.match(/../g) ?? [], (pair) => parseInt(pair, 16))
}

/**
 * The vectors of format 1.
 *
 * @param {typeof import('../../src/index.ts')} api
 */
export function makeVectors(api) {
  const dealer = api.dealerKeyPair(counting(1))
  const secret = counting(100)(32)
  const holders = ['Ann', 'Bob', 'Cleo', 'Dan', 'Eve'].map((name) => ({ name }))
  const options = { threshold: 3, holders, label: 'Ada’s cloud', dealer }
  const set = api.split(secret, { ...options, random: counting(7) })
  const second = api.refresh(set.sheet, counting(50)(100), { ...options, threshold: 2, random: counting(9) })
  const [first] = set.shares
  if (first === undefined) throw new Error('no shares')
  const question = api.challenge(set.sheet, 1, { random: counting(33) })
  const { ask, help, reply, reveal } = meet(api)
  const savedHelp = help.toBytes()
  help.approve(first.share, ask.code?.words ?? '', set.sheet)
  return {
    dealer: toHex(dealer.publicKey),
    secret: toHex(secret),
    shares: set.shares.map(({ share }) => toHex(share.toBytes())),
    text: api.shareToText(first.share),
    sheet: toHex(set.sheet.toBytes()),
    epoch1: {
      secret: toHex(counting(50)(100)),
      shares: second.shares.map(({ share }) => toHex(share.toBytes())),
      sheet: toHex(second.sheet.toBytes())
    },
    challenge: toHex(question),
    answer: toHex(api.answer(first.share, question)),
    holder: toHex(api.holderKeyPair(counting(55)).publicKey),
    dealerKeys: toHex(api.keyPairToBytes(dealer)),
    holderKeys: toHex(api.keyPairToBytes(api.holderKeyPair(counting(55)))),
    request: toHex(ask.hello()),
    reply: toHex(reply),
    reveal: toHex(reveal),
    savedHelp: toHex(savedHelp),
    codes: { owner: ask.code, friend: help.code },
    fingerprint: api.dealerFingerprint(dealer.publicKey)
  }
}

/**
 * A meeting up to where the owner's code may be typed.
 *
 * @param {typeof import('../../src/index.ts')} api
 */
export function meet(api) {
  const recovery = new api.Recovery({ label: 'Ada’s cloud', random: counting(77) })
  const ask = recovery.ask('Ann')
  const help = new api.RecoveryHelp({ random: counting(88) })
  help.receive(ask.hello())
  const reply = help.begin()
  const reveal = ask.receive(reply)
  if (!reveal) throw new Error('no meeting')
  help.receive(reveal)
  return { recovery, ask, help, reply, reveal }
}

/**
 * What must hold besides of an implementation, with a share sealed elsewhere. Throws what does not.
 *
 * @param {typeof import('../../src/index.ts')} api
 * @param {ReturnType<typeof makeVectors> & Pinned} vectors
 */
export function checkVectors(api, vectors) {
  const shares = vectors.shares.map(fromHex)
  const found = api.combine(shares.slice(2))
  same('combined', toHex(found.secret), vectors.secret)
  const sheet = api.SetSheet.fromBytes(fromHex(vectors.epoch1.sheet))
  const later = api.combine(vectors.epoch1.shares.slice(0, 2).map(fromHex), { sheet })
  same('epoch 1', toHex(later.secret), vectors.epoch1.secret)
  const opened = api.openShare(fromHex(vectors.sealed), api.holderKeyPair(counting(55)))
  same('opened', toHex(opened.toBytes()), vectors.shares[0])
  const kept = api.keyPairFromBytes(fromHex(vectors.holderKeys))
  same('kept keys', toHex(api.openShare(fromHex(vectors.sealed), kept).toBytes()), vectors.shares[0])
  same('kept dealer', toHex(api.keyPairFromBytes(fromHex(vectors.dealerKeys)).publicKey), vectors.dealer)
  const keys = api.holderKeyPair()
  const sealed = api.sealShare(opened, keys.publicKey)
  same('sealed here', toHex(api.openShare(sealed, keys).toBytes()), vectors.shares[0])
  for (let at = 0; at < sealed.length; at += 7) {
    const bad = Uint8Array.from(sealed)
    bad[at] = (bad[at] ?? 0) ^ 1
    same(
      `sealed byte ${at}`,
      codeOf(() => api.openShare(bad, keys)),
      'SECRET_SHARE_DAMAGED'
    )
  }
  const forged = Uint8Array.from(shares[0] ?? [])
  forged[120] = (forged[120] ?? 0) ^ 1
  same(
    'flipped bit',
    codeOf(() => api.verifyShare(forged)),
    'SECRET_SHARE_DAMAGED'
  )
  const fresh = api.split(fromHex(vectors.secret), {
    threshold: 2,
    holders: [{ name: 'a' }, { name: 'b' }, { name: 'c' }],
    label: 'fresh',
    dealer: api.dealerKeyPair()
  })
  const [, b, c] = fresh.shares
  same('fresh', toHex(api.combine([b, c].flatMap((one) => one?.share ?? [])).secret), vectors.secret)
  for (const low of ['00'.repeat(32), `01${'00'.repeat(31)}`, LOW_ORDER]) {
    same(
      'a key of a small order',
      codeOf(() => api.sealShare(opened, fromHex(low))),
      'SECRET_SHARE_BAD_ARGUMENT'
    )
  }
  const { ask, recovery } = meet(api)
  ask.receive(fromHex(vectors.help))
  same('not confirmed yet', [ask.arrived, ask.share], [true, null])
  ask.confirm(vectors.codes.friend?.numbers ?? '')
  same('helped', toHex(ask.share?.toBytes() ?? new Uint8Array(0)), vectors.shares[0])
  same('sheet', toHex(ask.sheet?.toBytes() ?? new Uint8Array(0)), vectors.sheet)
  same('saved', toHex(recovery.toBytes()), vectors.saved)
  const again = api.RecoveryHelp.fromBytes(fromHex(vectors.savedHelp))
  again.approve(opened, vectors.codes.owner?.words ?? '')
  same('helped on', again.code, vectors.codes.friend)
  same('gone on', api.Recovery.fromBytes(fromHex(vectors.saved)).received, ['Ann'])
  same(
    'forged',
    codeOf(() => api.verifyShare(fromHex(vectors.forged))),
    'SECRET_SHARE_FORGED'
  )
}

/** @param {() => unknown} run */
function codeOf(run) {
  try {
    run()
    return null
  } catch (error) {
    return /** @type {{ code?: string }} */ (error).code ?? String(error)
  }
}

/**
 * @param {string} what
 * @param {unknown} actual
 * @param {unknown} expected
 */
export function same(what, actual, expected) {
  const [a, b] = [JSON.stringify(actual), JSON.stringify(expected)]
  if (a !== b) throw new Error(`${what}: expected ${b}, got ${a}`)
}
