import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { decodeEvents, decodeHello, encodeEvents, encodeHello } from '../src/connections/messages.ts'
import { IdentityMemory } from '../src/index.ts'
import { decodeMemory, encodeAddition, encodeMemory, type Remembered } from '../src/memory/journal.ts'
import { ram } from './parties.ts'
import { bytesOf, DAY, keyPair, START } from './people.ts'
import { fromHex, toHex } from './vectors/make.mjs'

interface Vectors {
  readonly identity: string
  readonly events: readonly string[]
}

/** What a device keeps, and says, of the identity whose chain is in `v1.json`. */
interface KeptAndSaid {
  readonly memory: string
  readonly frozen: string
  readonly addition: string
  readonly hello: string
  readonly events: string
}

const read = (name: string): unknown =>
  JSON.parse(readFileSync(new URL(`vectors/${name}`, import.meta.url), 'utf8'))
const { identity, events: hexes } = read('v1.json') as Vectors
const vectors = read('kept-and-said-v1.json') as KeptAndSaid
const events = hexes.map(fromHex)

const sightings = [{ announcement: bytesOf(9), time: START + DAY }]
const memory: Remembered = {
  events: events.slice(0, 3),
  other: null,
  superseded: null,
  decided: [0, 0, 0],
  sightings: []
}
const frozen: Remembered = {
  events: events.slice(0, 5),
  other: events.slice(0, 4),
  superseded: events.slice(0, 2),
  decided: [300, 2, 1],
  sightings
}
const place = { identity: fromHex(identity), handshakeHash: bytesOf(11, 64), isInitiator: true }
const device = keyPair('laptop')
const hello = { device: device.publicKey, seq: 70_000, hash: bytesOf(10) }

function made(): KeptAndSaid {
  return {
    memory: toHex(encodeMemory(memory)),
    frozen: toHex(encodeMemory(frozen)),
    addition: toHex(encodeAddition(events.slice(3, 6), sightings)),
    hello: toHex(encodeHello(hello, place, device)),
    events: toHex(encodeEvents(4, events).message)
  }
}

test('what is kept and said is written as ever', () => {
  expect(made()).toEqual(vectors)
})

test('a memory, and what was added to it, is read as ever', async () => {
  const bytes = Buffer.concat([fromHex(vectors.memory), fromHex(vectors.addition)])
  const added = { ...memory, events: events.slice(0, 6), sightings }
  expect(plain(decodeMemory(bytes))).toEqual(plain({ ...added, room: 1023 }))
  expect(plain(decodeMemory(fromHex(vectors.frozen)))).toEqual(plain({ ...frozen, room: 1024 }))
  const opened = await IdentityMemory.open(ram(bytes), fromHex(identity), null, { now: () => START })
  expect(opened.state.seq).toBe(5)
  for (let at = vectors.memory.length / 2; at < bytes.length; at++) {
    const damaged = Uint8Array.from(bytes)
    damaged[at] = (bytes[at] ?? 0) ^ 1
    // Of the last addition nothing counts that is not right as a whole.
    const found = await IdentityMemory.open(ram(damaged), fromHex(identity), null).catch(() => null)
    expect([null, 2]).toContain(found?.state.seq ?? null)
  }
})

test('a hello is read as ever, in its place only', () => {
  const bytes = fromHex(vectors.hello)
  expect(plain(decodeHello(bytes, place))).toEqual(plain({ ...hello, version: 1 }))
  for (const at of bytes.keys()) {
    const damaged = Uint8Array.from(bytes)
    damaged[at] = (bytes[at] ?? 0) ^ 1
    expect(decodeHello(damaged, place)).toBe(null)
  }
  expect(decodeHello(bytes, { ...place, isInitiator: false })).toBe(null)
})

test('a message of events is read as ever', () => {
  const bytes = fromHex(vectors.events)
  const last = { from: 4, part: 'last', events: events.slice(4) }
  expect(plain(decodeEvents(bytes))).toEqual(plain(last))
  const more = Uint8Array.from(bytes)
  more[1] = 1
  expect(plain(decodeEvents(more))).toEqual(plain({ ...last, part: 'more' }))
  const many = Array.from({ length: 2000 }, () => events[1] as Uint8Array)
  expect([...encodeEvents(4, many).message.subarray(0, 2)]).toEqual([4, 1])
})

/** The same, whatever kind of bytes it has. */
function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return toHex(value)
  if (Array.isArray(value)) return value.map(plain)
  if (value === null || typeof value !== 'object') return value
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, plain(one)]))
}
