import { fakeClock, until } from '@cloudpal/test-kit'
import crypto from 'hypercore-crypto'
import { expect, test } from 'vitest'
import { GreetingLimit } from '../src/server/greeting-limit.ts'
import { greet } from './links.ts'
import { wirePair } from './memory-wire.ts'
import { startRelay, twoKeyPairs } from './relays.ts'

test('ten addresses that connect and say nothing keep no device of another address out', async () => {
  const clock = fakeClock(1_000)
  const [a] = twoKeyPairs()
  const { relay, address } = await startRelay([a], { now: clock.now })
  for (let i = 0; i < 1_000; i++) {
    const [, far] = wirePair()
    relay.accept(Object.assign(far, { remoteAddress: `192.0.2.${i % 10}` }))
  }
  expect(relay.connections).toBe(1_000)
  const known = greet(address, a, (link) => link.register(30_000))
  await until(() => known.ended ?? known.seen.includes('registered'))
  expect([known.ended, relay.registered]).toEqual([null, 1])
})

test('ten addresses that greet and prove nothing keep no device of another address from being greeted', () => {
  // As a relay has it where nobody says otherwise.
  const limit = new GreetingLimit({ most: 1_000, mostByAddress: 100, now: () => 0 })
  for (let i = 0; i < 1_000; i++) limit.take(`192.0.2.${i % 10}`)
  expect(limit.take('198.51.100.1')).toBe(true)
})

test('devices that are known and sent elsewhere use up nothing of what strangers may have', async () => {
  const clock = fakeClock(1_000)
  const devices = Array.from({ length: 12 }, () => crypto.keyPair())
  const other = crypto.keyPair().publicKey
  const options = { now: clock.now, unknownPerAddress: 5, redirect: () => other }
  const { address } = await startRelay(devices, options)
  const heard: (string | null)[] = []
  // One office, or one proxy.
  for (const device of devices) {
    const one = greet(address, device, (link) => link.register(30_000))
    await until(() => one.ended)
    heard.push(one.ended)
  }
  expect(new Set(heard)).toEqual(new Set(['RELAY_REDIRECT']))
})

test('forty addresses that greet as often as each may, and prove nothing, keep nobody else from being greeted', () => {
  const clock = fakeClock(1_000)
  const limit = new GreetingLimit({ most: 1_000, mostByAddress: 100, now: clock.now })
  let refused = 0
  // Twenty times a second each: none of them ever uses up what it may have.
  for (let second = 0; second < 60; second++) {
    for (let turn = 0; turn < 20; turn++) {
      for (let i = 0; i < 40; i++) limit.take(`192.0.2.${i}`)
      if (!limit.take(`198.51.${second}.${turn}`)) refused++
      clock.advance(50)
    }
  }
  expect(refused).toBe(0)
})
