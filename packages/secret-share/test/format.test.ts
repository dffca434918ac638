import { readFileSync } from 'node:fs'
import { chacha20poly1305 } from '@noble/ciphers/chacha.js'
import { ed25519, x25519 } from '@noble/curves/ed25519.js'
import { blake2b } from '@noble/hashes/blake2.js'
import { sha512 } from '@noble/hashes/sha2.js'
import { expect, test } from 'vitest'
import * as api from '../src/index.ts'
import { checkVectors, fromHex, makeVectors, toHex, type Pinned } from './vectors/make.mjs'

type Vectors = ReturnType<typeof makeVectors> & Pinned
const vectors = JSON.parse(readFileSync(new URL('vectors/v1.json', import.meta.url), 'utf8')) as Vectors

// FORMAT.md, written down a second time on other libraries. Nothing of src from here on.

const join = (...parts: Uint8Array[]): Uint8Array => Uint8Array.from(parts.flatMap((part) => [...part]))
const domain = (purpose: string): Uint8Array =>
  new TextEncoder().encode(`cloudpal/secret-share/1/${purpose}\0`)
const hash = (purpose: string, ...parts: Uint8Array[]): Uint8Array =>
  blake2b(join(domain(purpose), ...parts), { dkLen: 32 })
const derive = (purpose: string, key: Uint8Array, ...parts: Uint8Array[]): Uint8Array =>
  blake2b(join(domain(purpose), ...parts), { dkLen: 32, key })

function cut(bytes: Uint8Array, ...lengths: number[]): Uint8Array[] {
  let at = 0
  return lengths.concat(Infinity).map((length) => bytes.slice(at, (at += length)))
}

function body(hex: string, kind: number): Uint8Array {
  const bytes = fromHex(hex)
  expect(toHex(bytes.slice(0, 2))).toBe(toHex(Uint8Array.of(1, kind)))
  expect(toHex(hash('checksum', bytes.slice(0, -4)).slice(0, 4))).toBe(toHex(bytes.slice(-4)))
  return bytes.slice(2, -4)
}

const HEADER = 1 + 16 + 2 + 3 + 13 + 32 + 32

function readShare(hex: string) {
  const whole = body(hex, 1)
  const [header = whole, commitment = whole, index = whole, value = whole, length = whole, rest = whole] =
    cut(whole, HEADER, 32, 1, 32, 1)
  const payload = rest.slice(0, length[0])
  const signature = rest.slice(length[0])
  expect(signature).toHaveLength(64)
  const dealer = header.slice(-64, -32)
  const signed = join(domain('share'), whole.slice(0, -64))
  expect(ed25519.verify(signature, signed, dealer)).toBe(true)
  return { header, commitment, index: index[0] ?? 0, value, payload, keyCommitment: header.slice(-32) }
}

/** Russian peasants. */
function times(a: number, b: number): number {
  if (b === 0) return 0
  const twice = (a << 1) ^ (a & 0x80 ? 0x11b : 0)
  return times(twice & 0xff, b >> 1) ^ (b & 1 ? a : 0)
}

function over(a: number, b: number): number {
  for (let c = 0; c < 256; c++) if (times(b, c) === a) return c
  throw new Error('no quotient')
}

function keyOf(shares: { index: number; value: Uint8Array }[]): Uint8Array {
  const weights = shares.map(({ index }) =>
    shares.reduce(
      (w, other) => (other.index === index ? w : times(w, over(other.index, other.index ^ index))),
      1
    )
  )
  return Uint8Array.from({ length: 32 }, (_, i) =>
    shares.reduce((sum, { value }, at) => sum ^ times(weights[at] ?? 0, value[i] ?? 0), 0)
  )
}

test('what this version writes are the vectors', () => {
  const { sealed, forged, help, saved, ...made } = vectors
  expect(new Set([sealed, forged, help, saved]).size).toBe(4)
  expect(makeVectors(api)).toEqual(made)
})

test('this version reads the vectors, and refuses changed ones', () => {
  expect(() => checkVectors(api, vectors)).not.toThrow()
})

test('an independent reader finds the secret in the shares', () => {
  const shares = vectors.shares.map(readShare)
  for (const some of [shares.slice(0, 3), shares.slice(2), shares.filter((_, at) => at % 2 === 0)]) {
    const [{ header, payload, keyCommitment }] = some as [(typeof shares)[0]]
    const key = keyOf(some)
    expect(toHex(hash('key', key))).toBe(toHex(keyCommitment))
    const opened = chacha20poly1305(derive('payload key', key, header), new Uint8Array(12), header).decrypt(
      payload
    )
    expect(toHex(opened)).toBe(vectors.secret)
  }
})

test('an independent reader finds the sheet that the shares commit to', () => {
  const sheet = body(vectors.sheet, 2)
  const [header = sheet, , payload = sheet, keys = sheet, signature] = cut(sheet, HEADER, 4, 48, 5 * 32)
  expect(
    ed25519.verify(signature ?? sheet, join(domain('sheet'), sheet.slice(0, -64)), header.slice(-64, -32))
  ).toBe(true)
  for (const share of vectors.shares.map(readShare)) {
    expect(toHex(share.header)).toBe(toHex(header))
    expect(toHex(hash('set', header, hash('payload', payload), keys))).toBe(toHex(share.commitment))
    const seed = derive('possession', share.value, header.slice(1, 19), Uint8Array.of(share.index))
    const key = keys.slice((share.index - 1) * 32, share.index * 32)
    expect(toHex(ed25519.getPublicKey(seed))).toBe(toHex(key))
  }
})

test('an independent reader checks the answer to a challenge', () => {
  const [first] = vectors.shares.map(readShare)
  const challenge = body(vectors.challenge, 4)
  expect(toHex(challenge.slice(0, 33))).toBe(`${toHex(first?.commitment ?? challenge)}01`)
  expect(challenge).toHaveLength(49)
  const key = fromHex(vectors.sheet).slice(2 + HEADER + 4 + 48, 2 + HEADER + 4 + 48 + 32)
  const message = join(domain('answer'), fromHex(vectors.challenge))
  expect(ed25519.verify(body(vectors.answer, 5), message, key)).toBe(true)
})

/** The first 33 bits of a hash, as ten digits. */
function digits(digest: Uint8Array): string {
  return (BigInt(`0x${toHex(digest.slice(0, 5))}`) >> 7n).toString().padStart(10, '0')
}

test('an independent reader gets the same short codes, and finds the help signed', () => {
  const request = body(vectors.request, 6)
  const [, , device = request, , commitment = request, signature = request] = cut(request, 1, 13, 32, 32, 32)
  expect(ed25519.verify(signature, join(domain('request'), request.slice(0, -64)), device)).toBe(true)
  const reveal = body(vectors.reveal, 8)
  expect(toHex(hash('nonce', reveal))).toBe(toHex(commitment))
  const [nonce = reveal, key = reveal] = cut(body(vectors.reply, 7), 32)
  expect([nonce.length, key.length, reveal.length]).toEqual([32, 32, 32])
  const transcript = hash('meeting', ...[vectors.request, vectors.reply, vectors.reveal].map(fromHex))
  for (const speaker of ['owner', 'friend'] as const) {
    const code = vectors.codes[speaker]?.numbers.replaceAll(' ', '')
    expect(code).toBe(digits(hash(`short code of ${speaker}`, transcript)))
  }
  const help = body(vectors.help, 9)
  const signed = join(domain('help'), transcript, help.slice(0, -64))
  expect(ed25519.verify(help.slice(-64), signed, key)).toBe(true)
  const length = (help[0] ?? 0) * 256 + (help[1] ?? 0)
  expect(toHex(help.slice(2 + length, -64))).toBe(vectors.sheet)
})

test('an independent reader finds what a saved recovery holds', () => {
  const saved = body(vectors.saved, 11)
  const [, , device = saved, box = saved, count = saved, rest = saved] = cut(saved, 1, 13, 32, 32, 2)
  expect(toHex(count)).toBe('0001')
  const request = body(vectors.request, 6)
  expect(toHex(ed25519.getPublicKey(device))).toBe(toHex(request.slice(14, 46)))
  const secretKey = sha512(box).slice(0, 32)
  expect(toHex(x25519.getPublicKey(secretKey))).toBe(toHex(request.slice(46, 78)))
  const [name = rest, nonce = rest, length = rest, reply = rest, flags = rest, size = rest, help = rest] =
    cut(rest, 4, 32, 2, 70, 1, 4)
  expect(new TextDecoder().decode(name.slice(1))).toBe('Ann')
  expect(toHex(nonce)).toBe(toHex(body(vectors.reveal, 8)))
  expect([toHex(length), toHex(reply)]).toEqual(['0046', vectors.reply])
  expect(toHex(flags)).toBe('83')
  expect(Number(`0x${toHex(size)}`)).toBe(help.length)
  expect(toHex(help)).toBe(vectors.help)
})

test('an independent writer draws what both sides of a recovery draw', () => {
  const drawn = (from: number): Uint8Array => Uint8Array.from({ length: 32 }, (_, i) => (from + i) % 256)
  const draw = (from: number, count: number, known: Uint8Array, about: Uint8Array): string =>
    toHex(derive('random', drawn(from), Uint8Array.of(0, count), hash('hedge', known), about))
  const label = new TextEncoder().encode('Ada’s cloud')
  const empty = join(
    Uint8Array.of(label.length),
    label,
    ...['device', 'box'].map((purpose, i) =>
      fromHex(draw(77 + 32 * i, i + 1, label, hash(`draw for ${purpose}`)))
    ),
    new Uint8Array(2)
  )
  const head = join(Uint8Array.of(1, 11), empty)
  const state = join(head, hash('checksum', head).slice(0, 4))
  expect(toHex(body(vectors.saved, 11)).startsWith(toHex(empty.slice(0, -2)))).toBe(true)
  const name = hash('friend', new TextEncoder().encode('Ann'))
  const nonce = draw(77 + 64, 3, label, hash('draw for nonce', name, state))
  expect(nonce).toBe(toHex(body(vectors.reveal, 8)))
  const request = fromHex(vectors.request)
  expect(draw(88, 1, request, hash('draw for nonce'))).toBe(toHex(body(vectors.reply, 7).slice(0, 32)))
  const seed = fromHex(draw(88 + 32, 2, request, hash('draw for key')))
  expect(toHex(ed25519.getPublicKey(seed))).toBe(toHex(body(vectors.reply, 7).slice(32)))
})

test('an independent reader finds what a saved help holds', () => {
  const saved = body(vectors.savedHelp, 12)
  const messages = [vectors.request, vectors.reply, vectors.reveal].map(fromHex)
  const parts = messages.flatMap((message) => [
    Uint8Array.of(message.length >> 8, message.length & 255),
    message
  ])
  const head = join(...parts)
  expect(toHex(saved.slice(0, head.length))).toBe(toHex(head))
  const [seed = saved, rest = saved] = cut(saved.slice(head.length), 32)
  const key = fromHex(vectors.reply).slice(2 + 32, 2 + 64)
  expect(toHex(ed25519.getPublicKey(seed))).toBe(toHex(key))
  expect(toHex(rest)).toBe('0300000000')
})

test('a dealer’s fingerprint is half of a hash of the key', () => {
  const digest = hash('fingerprint', fromHex(vectors.dealer))
  expect(vectors.fingerprint.replaceAll(' ', '')).toBe(toHex(digest.slice(0, 16)))
})

test('a holder’s key is that of X25519, and what is sealed names it by a hash', () => {
  expect(vectors.holder).toMatch(/^[0-9a-f]{64}$/)
  expect(() => x25519.getSharedSecret(x25519.utils.randomSecretKey(), fromHex(vectors.holder))).not.toThrow()
  const sealed = body(vectors.sealed, 3)
  expect(toHex(sealed.slice(0, 8))).toBe(toHex(hash('seal hint', fromHex(vectors.holder)).slice(0, 8)))
  expect(sealed).toHaveLength(8 + 48 + fromHex(vectors.shares[0] ?? '').length)
})

test('an independent reader finds what saved keys hold', () => {
  expect(toHex(ed25519.getPublicKey(body(vectors.dealerKeys, 13)))).toBe(vectors.dealer)
  const [publicKey, secretKey] = cut(body(vectors.holderKeys, 14), 32) as [Uint8Array, Uint8Array]
  expect(toHex(publicKey)).toBe(vectors.holder)
  expect(toHex(x25519.getPublicKey(secretKey))).toBe(vectors.holder)
})
