import c from 'compact-encoding'
import crypto from 'hypercore-crypto'
import { until } from '@cloudpal/test-kit'
import { expect, test } from 'vitest'
import { Handshake } from '../src/protocol/handshake.ts'
import {
  decodeOffer,
  encodeOffer,
  helloGreeting,
  joinGreeting,
  joinMac,
  readGreeting
} from '../src/session/greeting.ts'
import { asPath, greet } from './links.ts'
import { startDevice, startRelay, twoKeyPairs } from './relays.ts'

const terms = { windowBytes: 1 << 20, candidates: { tcp: [], udp: new Uint8Array(0) } }

test('a hello that is repeated by somebody in between makes no connection', async () => {
  const [a, b] = twoKeyPairs()
  const { relay, address } = await startRelay([a, b])
  const bob = await startDevice(b, { relays: [address], times: { retryMs: 20 } })
  await until(() => bob.registeredAt.length === 1)
  let connections = 0
  bob.on('connection', () => connections++)
  const handshake = new Handshake('device to device', a, b.publicKey)
  const hello = helloGreeting(handshake.send(encodeOffer(crypto.randomBytes(16), terms)))
  for (let i = 0; i < 2; i++) {
    const opener = greet(address, a, (link) => link.open(b.publicKey))
    await until(() => opener.seen.includes('opened'))
    const path = asPath(opener)
    opener.link.send([hello])
    await until(() => path.messages.length === 1)
    expect(readGreeting(path.messages[0] ?? new Uint8Array(0))?.type).toBe('welcome')
    // Who has not read the secret out of it cannot go on: neither with a guess nor with data.
    opener.link.send([
      i === 0 ? joinGreeting(new Uint8Array(16), 0, new Uint8Array(32)) : new Uint8Array(100)
    ])
    await until(() => path.ended !== null && relay.registered === 1)
  }
  expect(connections).toBe(0)
})

test('a path is joined by who knows the secret, once, and by nobody else', async () => {
  const session = crypto.randomBytes(16)
  const [secret, other] = [crypto.randomBytes(32), crypto.randomBytes(32)]
  const mac = joinMac('join', session, 1, secret)
  for (const changed of [
    joinMac('joined', session, 1, secret),
    joinMac('join', session, 2, secret),
    joinMac('join', crypto.randomBytes(16), 1, secret),
    joinMac('join', session, 1, other)
  ])
    expect(changed).not.toEqual(mac)
  const [a, b] = twoKeyPairs()
  const { relay, address } = await startRelay([a, b])
  const bob = await startDevice(b, { relays: [address] })
  await until(() => relay.registered === 1)
  const opener = greet(address, a, (link) => link.open(bob.publicKey))
  await until(() => opener.seen.includes('opened'))
  const path = asPath(opener)
  opener.link.send([joinGreeting(session, 1, secret)])
  await until(() => path.messages.length > 0)
  expect(readGreeting(path.messages[0] ?? new Uint8Array(0))).toEqual({ type: 'refuse', code: 2 })
})

test('an address that a device tells of itself is no longer than one can be, else it has said no hello', () => {
  const session = crypto.randomBytes(16)
  const [whole, long] = ['x'.repeat(64), 'x'.repeat(65)]
  const offer = (tcp: string[]): Uint8Array =>
    encodeOffer(session, { windowBytes: 1 << 20, candidates: { tcp, udp: new Uint8Array(0) } })
  // What an app announces all the same is not told.
  expect(decodeOffer(offer([whole, long]))?.terms.candidates.tcp).toEqual([whole])
  const told = (tcp: string[]): Uint8Array => {
    const [head, candidates] = [offer([]).subarray(0, 21), c.encode(c.array(c.string), tcp)]
    return Buffer.concat([head, candidates, c.encode(c.uint8array, new Uint8Array(0))])
  }
  expect(told([whole])).toEqual(offer([whole]))
  expect(decodeOffer(told([whole]))?.terms.candidates.tcp).toEqual([whole])
  expect(decodeOffer(told([long]))).toBe(null)
})
