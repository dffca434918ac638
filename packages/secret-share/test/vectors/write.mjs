// Writes v1.json anew, from dist/: only when the format has a new version.
import { writeFileSync } from 'node:fs'
import * as api from '../../dist/index.js'
import { makeShare } from '../../dist/format/share.js'
import { fromHex, makeVectors, meet, toHex } from './make.mjs'

const vectors = makeVectors(api)
let next = 55
const keys = api.holderKeyPair((length) => Uint8Array.from({ length }, () => next++ % 256))
const sealed = toHex(api.sealShare(api.verifyShare(fromHex(vectors.shares[0] ?? '')), keys.publicKey))
const first = api.verifyShare(fromHex(vectors.shares[0] ?? ''))
const { header, commitment, index, payload } = first
const thief = api.dealerKeyPair()
const forged = makeShare(
  { header, commitment, index, payload, value: new Uint8Array(32).fill(7) },
  thief.secretKey
)
const { ask, help, recovery } = meet(api)
const sheet = api.SetSheet.fromBytes(fromHex(vectors.sheet))
const helped = help.approve(first, ask.code?.words ?? '', sheet)
ask.receive(helped)
ask.confirm(help.code?.words ?? '')
const pinned = {
  sealed,
  forged: toHex(forged.toBytes()),
  help: toHex(helped),
  saved: toHex(recovery.toBytes())
}
const file = new URL('v1.json', import.meta.url)
writeFileSync(file, `${JSON.stringify({ ...vectors, ...pinned }, null, 2)}\n`)
