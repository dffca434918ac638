import { createPrivateKey, sign } from 'node:crypto'
import { readFileSync } from 'node:fs'
import crypto from 'hypercore-crypto'
import sodium from 'sodium-universal'
import { testCleanup, until } from '@cloudpal/test-kit'
import { expect, test } from 'vitest'
import { WebSocket } from 'ws'
import type { RelayErrorCode } from '../src/errors.ts'
import { DeviceByTheText } from './device-by-the-text.ts'
import { NoiseByTheText, open, publicKeyOf, seal } from './noise-by-the-text.ts'
import { uint } from './replicas/records.ts'
import { nextConnection, startDevice, startRelay } from './relays.ts'

const fill = (byte: number, length = 32): Buffer => Buffer.alloc(length, byte)
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
const [A, B] = [fill(1), fill(2)]
const devices = [A, B].map((seed) => crypto.keyPair(seed))

/** Keep-alive of 30 s, no replica set, no wish to insist. */
const REGISTER = Buffer.from('0130750000ffffffffffff1f0000', 'hex')
const PING = Buffer.from('0330750000', 'hex')
const [OPEN, LOOKUP] = [2, 6].map((byte) => Buffer.of(byte)) as [Buffer, Buffer]
const [REGISTERED, OPENED, PONG, GONE] = ['10', '12', '13', '15']
const [INCOMING, REFUSED, FOUND] = ['11', '14', '18']

const CODES: Partial<Record<number, RelayErrorCode>> = {
  1: 'RELAY_DENIED',
  8: 'RELAY_NOT_REGISTERED',
  9: 'RELAY_PROTOCOL'
}

/** What a refusal says: code, and milliseconds after which to come back. */
function refusalIn(bytes: Uint8Array): [RelayErrorCode | undefined, number, number] {
  const buffer = Buffer.from(bytes)
  return [CODES[buffer[0] ?? 0], buffer.readUInt32LE(1), buffer.length]
}

const pinned = (file: string): Record<string, string> =>
  JSON.parse(readFileSync(new URL(`vectors/${file}.json`, import.meta.url), 'utf8')) as Record<string, string>

test.each<[string, string, string, (v: Record<string, string>) => string[]]>([
  [
    'outer',
    'v1',
    'cloudpal/relay/1/device-to-relay',
    (v) => [v['payload HELLO'] ?? '', v['payload WELCOME'] ?? '']
  ],
  [
    'inner',
    'inner-v2',
    'cloudpal/relay/1/device-to-device',
    (v) => [v['greeting offer'] ?? '', v['greeting answer'] ?? '']
  ]
])('the %s greeting is what the text says, byte by byte', (layer, file, prologue, payloads) => {
  const vectors = pinned(file)
  const [offer, answer] = payloads(vectors).map((payload) => Buffer.from(payload, 'hex')) as [Buffer, Buffer]
  const near = new NoiseByTheText(prologue, fill(0x20), publicKeyOf(fill(0x22)), fill(0x21))
  const far = new NoiseByTheText(prologue, fill(0x22), null, fill(0x23))
  const hello = near.send(offer)
  expect(hex(far.receive(hello))).toBe(hex(offer))
  expect(hex(far.remotePublicKey)).toBe(hex(publicKeyOf(fill(0x20))))
  const welcome = far.send(answer)
  expect(hex(near.receive(welcome))).toBe(hex(answer))
  const { tx, rx, hash } = near.split()
  expect(far.split()).toEqual({ tx: rx, rx: tx, hash })
  if (layer === 'inner') {
    expect(`01${hex(hello)}`).toBe(vectors['greeting hello'])
    expect(`02${hex(welcome)}`).toBe(vectors['greeting welcome'])
    expect(hex(Buffer.concat([tx, rx, hash]))).toBe(vectors['greeting keys'])
    return
  }
  const frame = (type: number, body: Buffer): string =>
    hex(Buffer.concat([Buffer.of(type, body.length, 0, 0), body]))
  const ping = Buffer.from(vectors['control ping'] ?? '', 'hex')
  expect(frame(1, hello)).toBe(vectors['frame HELLO'])
  expect(frame(2, welcome)).toBe(vectors['frame WELCOME'])
  expect(frame(3, seal(tx, 0, ping))).toBe(vectors['frame CONTROL with ping'])
  expect(frame(3, seal(tx, 1, ping))).toBe(vectors['frame CONTROL with another ping'])
  expect(frame(3, seal(rx, 0, Buffer.from(PONG, 'hex')))).toBe(vectors['frame CONTROL with pong'])
  expect(open(tx, 0, seal(tx, 0, ping))).toEqual(ping)
})

test('devices that are written from the text alone register, reach each other through the relay, and part', async () => {
  const { relay } = await startRelay(devices)
  const [laptop, phone] = [A, B].map((seed) => new DeviceByTheText(seed, relay.publicKey)) as [
    DeviceByTheText,
    DeviceByTheText
  ]
  await laptop.greetOverTcp(relay.ports.tcp)
  expect(laptop.welcome).toEqual(Buffer.of(1))
  laptop.say(REGISTER)
  expect(await laptop.next()).toBe(REGISTERED)
  laptop.say(PING)
  expect(await laptop.next()).toBe(PONG)
  laptop.say(Buffer.concat([LOOKUP, phone.publicKey]))
  expect(await laptop.next()).toBe(FOUND + hex(phone.publicKey))
  await phone.greetOverTcp(relay.ports.tcp)
  phone.say(Buffer.concat([OPEN, laptop.publicKey]))
  expect(await phone.next()).toBe(OPENED)
  expect(await laptop.next()).toBe(INCOMING + hex(phone.publicKey))
  const longest = Buffer.from(crypto.randomBytes(69_632))
  phone.carry(longest)
  laptop.carry(Buffer.alloc(0))
  laptop.carry(Buffer.from('hello'))
  expect(await laptop.nextData()).toEqual(longest)
  expect(await phone.nextData()).toEqual(Buffer.alloc(0))
  expect(await phone.nextData()).toEqual(Buffer.from('hello'))
  // Control messages go on between.
  phone.say(PING)
  expect(await phone.next()).toBe(PONG)
  phone.end()
  expect(await laptop.next()).toBe(GONE)
  await until(() => laptop.closed)
})

test('over a WebSocket it is the same bytes, wherever messages begin and end', async () => {
  const { relay, wsAddress } = await startRelay(devices)
  const device = new DeviceByTheText(A, relay.publicKey)
  const socket = new WebSocket(wsAddress.ws ?? '')
  testCleanup().defer('stream', () => socket.terminate())
  socket.on('message', (bytes: Buffer) => device.hear(bytes))
  await new Promise((resolve) => socket.once('open', resolve))
  const send = (bytes: Uint8Array): void => {
    for (const byte of bytes) socket.send(Buffer.of(byte))
  }
  device.greet({ send, end: () => socket.close() })
  await until(() => device.welcome)
  device.say(REGISTER)
  expect(await device.next()).toBe(REGISTERED)
})

test('refusals are read as the text has them, in the answer to HELLO and later', async () => {
  const { relay } = await startRelay(devices)
  const stranger = await new DeviceByTheText(fill(9), relay.publicKey).greetOverTcp(relay.ports.tcp)
  expect(stranger.welcome?.[0]).toBe(1)
  expect(refusalIn(stranger.welcome?.subarray(1) ?? Buffer.alloc(5))).toEqual(['RELAY_DENIED', 0, 5])
  const opener = await new DeviceByTheText(A, relay.publicKey).greetOverTcp(relay.ports.tcp)
  opener.say(Buffer.concat([OPEN, publicKeyOf(B)]))
  const refused = Buffer.from(await opener.next(), 'hex')
  expect(hex(refused.subarray(0, 1))).toBe(REFUSED)
  expect(refusalIn(refused.subarray(1))).toEqual(['RELAY_NOT_REGISTERED', 0, 5])
  const early = await new DeviceByTheText(A, relay.publicKey).greetOverTcp(relay.ports.tcp)
  early.carry(Buffer.alloc(1))
  expect(refusalIn(Buffer.from(await early.next(), 'hex').subarray(1))).toEqual(['RELAY_PROTOCOL', 0, 5])
  await until(() => [stranger, opener, early].every(({ closed }) => closed))
})

test('a grant that is written from the text is taken', async () => {
  const issuer = fill(7)
  const { relay } = await startRelay([], { issuers: [publicKeyOf(issuer)] })
  const body = Buffer.concat([
    Buffer.of(1),
    publicKeyOf(issuer),
    publicKeyOf(A),
    fill(0),
    Buffer.of(1),
    Buffer.alloc(24),
    fill(8, 16)
  ])
  body.writeBigUInt64LE(BigInt(Math.floor(Date.now() / 1_000) + 60), 114)
  const pkcs8 = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), issuer])
  const key = createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' })
  const signature = sign(null, Buffer.concat([Buffer.from('cloudpal/relay/1/grant\0'), body]), key)
  const device = new DeviceByTheText(A, relay.publicKey)
  await device.greetOverTcp(relay.ports.tcp, Buffer.concat([body, signature]))
  expect(device.welcome).toEqual(Buffer.of(1))
  device.say(REGISTER)
  expect(await device.next()).toBe(REGISTERED)
})

test('a device of this package connects to one that is written from the text alone', async () => {
  const { relay, address } = await startRelay(devices)
  const bob = await startDevice(devices[1] as (typeof devices)[number], { relays: [address] })
  await until(() => bob.registeredAt.length === 1)
  const alice = await new DeviceByTheText(A, relay.publicKey).greetOverTcp(relay.ports.tcp)
  alice.say(Buffer.concat([OPEN, bob.publicKey]))
  expect(await alice.next()).toBe(OPENED)
  const session = crypto.randomBytes(16)
  const window = Buffer.from('00000200', 'hex')
  // No address, and no key in the DHT.
  const offer = Buffer.concat([Buffer.of(2), session, window, Buffer.of(0, 0)])
  const noise = new NoiseByTheText('cloudpal/relay/1/device-to-device', A, bob.publicKey)
  alice.carry(Buffer.concat([Buffer.of(1), noise.send(offer)]))
  const welcome = await alice.nextData()
  expect(welcome[0]).toBe(2)
  const answer = noise.receive(welcome.subarray(1))
  expect(answer[0]).toBe(2)
  const incoming = nextConnection(bob)
  const path = Buffer.alloc(4)
  const said = Buffer.concat([Buffer.from('cloudpal/relay/1/join\0'), session, path])
  alice.carry(Buffer.concat([Buffer.of(3), session, path, keyedBlake2b(said, answer.subarray(1, 33))]))
  expect((await incoming).remotePublicKey).toEqual(Buffer.from(alice.publicKey))
})

test('proofs of paths, and the tags of their frames, are what the text says, byte by byte', () => {
  const vectors = pinned('inner-v2')
  const [session, secret, path] = [fill(10, 16), fill(11), uint(7, 4)]
  const mac = (what: string): string =>
    hex(keyedBlake2b(Buffer.concat([Buffer.from(`cloudpal/relay/1/${what}\0`), session, path]), secret))
  expect(vectors['greeting join']).toBe(`03${hex(session)}${hex(path)}${mac('join')}`)
  expect(vectors['greeting joined']).toBe(`04${hex(path)}${mac('joined')}`)
  expect(vectors['greeting call']).toBe(`06${hex(session)}${hex(path)}${mac('call')}`)
  const tag = (side: number, number: number, head: Buffer, bytes: Buffer): Buffer => {
    const said = [uint(side, 1), path, uint(number, 8), uint(head.length + bytes.length, 4), head]
    const key = keyedBlake2b(Buffer.concat([Buffer.from('cloudpal/relay/2/path\0'), ...said]), secret)
    const made = Buffer.alloc(16)
    sodium.crypto_onetimeauth(made, bytes, key)
    return made
  }
  const [segment, reset, bytes] = [Buffer.concat([Buffer.of(16), uint(258, 8)]), Buffer.of(25), fill(12, 3)]
  for (const [side, of] of ['', ' of the responder'].entries()) {
    const first = Buffer.concat([segment, tag(side, 0, segment, bytes), bytes])
    expect(hex(first)).toBe(vectors[`sealed segment${of}`])
    const second = Buffer.concat([reset, tag(side, 1, reset, Buffer.alloc(0))])
    expect(hex(second)).toBe(vectors[`sealed reset${of}`])
  }
})

function keyedBlake2b(bytes: Uint8Array, key: Uint8Array): Buffer {
  const mac = Buffer.alloc(32)
  sodium.crypto_generichash(mac, bytes, key)
  return mac
}
