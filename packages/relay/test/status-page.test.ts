import { fakeClock, until } from '@cloudpal/test-kit'
import fc from 'fast-check'
import crypto from 'hypercore-crypto'
import { expect, test } from 'vitest'
import { statusPage, type Status } from '../src/server/status-page.ts'
import { Throughput } from '../src/server/throughput.ts'
import { greet } from './links.ts'
import { startDevice, startRelay, twoKeyPairs } from './relays.ts'
import { sendCounting } from './streams.ts'

const nothing: Status = {
  state: 'serving',
  upMs: 0,
  counts: [],
  perSecond: [],
  devices: [],
  replicas: [],
  refusals: []
}

test('the status page says who is there, what is carried, and what is refused', async () => {
  const [a, b] = twoKeyPairs()
  const { relay, address } = await startRelay([a, b], { metrics: {} })
  const bob = await startDevice(b, { relays: [address] })
  const alice = await startDevice(a, { relays: [address] })
  await until(() => bob.registeredAt.length === 1)
  const connection = alice.connect(b.publicKey)
  await connection.opened
  await sendCounting(connection, 100_000)
  const stranger = greet(address, crypto.keyPair(), () => {})
  await until(() => stranger.ended)
  const page = async (): Promise<string> => {
    const response = await fetch(`http://127.0.0.1:${relay.ports.metrics}/status`)
    expect(response.headers.get('content-type')).toBe('text/html; charset=utf-8')
    return response.text()
  }
  const text = await page()
  for (const { publicKey } of [a, b]) {
    const name = Buffer.from(publicKey).toString('hex')
    expect(text).toContain(`<td>${name.slice(0, 8)}</td>`)
    expect(text).not.toContain(name.slice(0, 9))
  }
  expect(text).toContain('<td>Sessions</td><td>1</td>')
  expect(text).toContain('<td>RELAY_DENIED</td><td>1</td>')
  connection.destroy()
  await relay.drain()
  expect(await page()).toContain('<title>Relay: draining</title>')
})

test('the page runs nothing and loads nothing, whatever stands in it', () => {
  const text = statusPage({ ...nothing, refusals: [['<script src="//evil.test">&', 1]] })
  expect(text).toContain("content=\"default-src 'none'; style-src 'unsafe-inline'\"")
  expect(text).not.toMatch(/<script|<img|<link|<iframe|https?:/)
  expect(text).toContain('&lt;script src=&quot;//evil.test&quot;>&amp;')
})

test('it shows the other relays where there are any', () => {
  const key = Uint8Array.from({ length: 32 }, () => 0xab)
  const text = statusPage({ ...nothing, replicas: [{ key, state: 'draining', load: 0.256 }] })
  expect(text).toContain('<td>abababab</td><td>draining</td><td>26 %</td>')
  expect(statusPage(nothing)).not.toContain('Other relays')
})

test('of many devices the busiest hundred are shown', () => {
  const devices = Array.from({ length: 130 }, (_, i) => ({
    device: Uint8Array.from({ length: 32 }, () => i),
    connections: 1,
    usedBytes: i * 1_000_000
  }))
  const text = statusPage({ ...nothing, devices })
  expect(text.match(/ MB<\/td>/g)?.length).toBe(100)
  expect(text).toContain('<td>81818181</td><td>1</td><td>129.0 MB</td>')
  expect(text).toContain('and 30 more')
})

test('the throughput of each second is what was carried in it, however the clock goes', () => {
  const step = fc.record({ bytes: fc.nat(1000), pauseMs: fc.oneof(fc.nat(3_000), fc.nat(200_000)) })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 50 }), (steps) => {
      const clock = fakeClock(1_000_000)
      const throughput = new Throughput(clock.now)
      const carried = new Map<number, number>()
      for (const { bytes, pauseMs } of steps) {
        const second = Math.floor(clock.now() / 1000)
        carried.set(second, (carried.get(second) ?? 0) + bytes)
        throughput.add(bytes)
        clock.advance(pauseMs)
      }
      const now = Math.floor(clock.now() / 1000)
      const expected = Array.from({ length: 59 }, (_, i) => carried.get(now - 59 + i) ?? 0)
      expect(throughput.perSecond).toEqual(expected)
    })
  )
})

test('a clock that is set back loses no byte, and none is counted twice', () => {
  let now = 1_000_000
  const throughput = new Throughput(() => now)
  throughput.add(1)
  now -= 30_000
  throughput.add(2)
  now += 31_000
  expect(throughput.perSecond.filter((bytes) => bytes > 0)).toEqual([3])
})
