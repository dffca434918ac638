import { readFileSync } from 'node:fs'
import { ed25519 } from '@noble/curves/ed25519.js'
import { blake2b } from '@noble/hashes/blake2.js'
import { expect, test } from 'vitest'
import * as api from '../src/index.ts'
import { MAX_MESSAGE_BYTES } from '../src/connections/messages.ts'
import { MAX_EVENTS } from '../src/format/chain.ts'
import { MAX_CUT_OFFS, MAX_EVENT_BYTES, MAX_KEYS, MAX_NAME_BYTES, MAX_ROLLS } from '../src/format/event.ts'
import { ADMIN_ROOM, CONTROL_ROOM, REVOCATION_ROOM } from '../src/state/room.ts'
import { view } from './random-worlds.ts'
import { accepted, type Fact, summary } from './reference.ts'
import { checkVectors, fromHex, makeVectors } from './vectors/make.mjs'

type Vectors = ReturnType<typeof makeVectors>
const vectors = JSON.parse(readFileSync(new URL('vectors/v1.json', import.meta.url), 'utf8')) as Vectors
const format = readFileSync(new URL('../FORMAT.md', import.meta.url), 'utf8')

test('the pinned vectors are written as ever', () => {
  expect(makeVectors(api)).toEqual(vectors)
})

test('the pinned vectors are read as ever, and damaged ones refused', () => {
  checkVectors(api, vectors)
})

test('the second reader, made from FORMAT.md, comes to the same', () => {
  const facts = vectors.events.reduce<Fact[] | null>(
    (before, event) => before && accepted(before, fromHex(event)),
    []
  )
  const { state } = api.verify(fromHex(vectors.chain), { trusted: fromHex(vectors.identity) })
  expect(facts && summary(facts)).toEqual(view(state))
})

test('receipts are as FORMAT.md has them', () => {
  const receipt = fromHex(vectors.receipt)
  const space = (i: number): Uint8Array =>
    digest(digest(new TextEncoder().encode('cloudpal/key-rotation/1')), Uint8Array.of(i))
  const signed = Buffer.concat([space(4), receipt.slice(0, -64)])
  const witness = receipt.slice(1, 33)
  expect(ed25519.verify(receipt.slice(-64), signed, witness, { zip215: false })).toBe(true)
  const seq = vectors.events.length - 1
  const head = Buffer.concat([
    Uint8Array.of(1),
    witness,
    fromHex(vectors.identity),
    Uint8Array.of(seq),
    fromHex(vectors.head)
  ])
  expect(Buffer.from(receipt.slice(0, head.length)).equals(head)).toBe(true)
  expect(Buffer.from(receipt.slice(head.length, -64)).readBigUInt64LE(1)).toBe(
    BigInt(api.readReceipt(receipt).time)
  )
})

function digest(...parts: Uint8Array[]): Uint8Array {
  return blake2b(Buffer.concat(parts), { dkLen: 32 })
}

test('the limits that FORMAT.md names are those of the code', () => {
  const numbers = [MAX_KEYS, MAX_CUT_OFFS, MAX_ROLLS, MAX_NAME_BYTES].map((limit) => `≤ ${limit}`)
  const rooms = [ADMIN_ROOM, CONTROL_ROOM, REVOCATION_ROOM, MAX_EVENTS]
  const sizes = [MAX_EVENT_BYTES, ...rooms, MAX_MESSAGE_BYTES].map((limit) => limit.toLocaleString('en'))
  expect([...numbers, ...sizes].filter((limit) => !format.includes(limit))).toEqual([])
})
