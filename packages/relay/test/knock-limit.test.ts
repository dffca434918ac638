import { fakeClock } from '@cloudpal/test-kit'
import { expect, test } from 'vitest'
import { KnockLimit } from '../src/policy/knock-limit.ts'
import { GreetingLimit } from '../src/server/greeting-limit.ts'

/** How many of these are let through. */
function taken(limit: { take(host: string): boolean }, hosts: readonly string[]): number {
  return hosts.filter((host) => limit.take(host)).length
}

const tenTimes = (host: string): string[] => Array.from({ length: 10 }, () => host)

test('who has not knocked for an hour is answered as often at once as anybody', () => {
  const clock = fakeClock()
  const limit = new KnockLimit({ perSecond: 2, now: clock.now })
  expect(taken(limit, tenTimes('a'))).toBe(2)
  clock.advance(3_600_000)
  expect(taken(limit, tenTimes('a'))).toBe(2)
})

test('what is given back is no more than what there was', () => {
  const limit = new KnockLimit({ perSecond: 2, most: 3, now: () => 0 })
  limit.take('a')
  for (let i = 0; i < 10; i++) limit.giveBack('a')
  limit.giveBack('b')
  expect([taken(limit, tenTimes('a')), taken(limit, tenTimes('b'))]).toEqual([3, 3])
})

test('of 10,000 hosts it is known how often they have knocked, and the one that has not for longest is forgotten first', () => {
  const limit = new KnockLimit({ perSecond: 1, now: () => 0 })
  const others = Array.from({ length: 9_998 }, (_, i) => `other ${i}`)
  expect(taken(limit, ['early', 'often', ...others])).toBe(10_000)
  expect(taken(limit, ['often', 'early', 'often'])).toBe(0)
  // Two more: two are forgotten, of those that knocked once.
  expect(taken(limit, ['new', 'newer'])).toBe(2)
  expect(taken(limit, ['early', 'often'])).toBe(0)
  expect(taken(limit, ['other 0'])).toBe(1)
})

test('strangers of all addresses together are greeted so often, half of it those of addresses that were not lately', () => {
  const clock = fakeClock()
  const limit = new GreetingLimit({ most: 10, mostByAddress: 20, now: clock.now })
  // An IPv6 network of 64 bits is one: twice it is one of few, and then one of many.
  const network = Array.from({ length: 9 }, (_, i) => `2001:db8::${i + 1}`)
  expect(taken(limit, network)).toBe(2 + 5)
  expect(taken(limit, ['192.0.2.1', '192.0.2.2', '192.0.2.3', '192.0.2.4'])).toBe(3)
  limit.giveBack('192.0.2.1')
  expect(taken(limit, ['192.0.2.5', '192.0.2.6'])).toBe(1)
  clock.advance(4)
  expect(taken(limit, ['192.0.2.7', '192.0.2.8'])).toBe(1)
})

test('who proves a key costs nothing of what all addresses together have', () => {
  const limit = new GreetingLimit({ most: 3, mostByAddress: 3, now: () => 0 })
  for (let i = 0; i < 10; i++) {
    expect(limit.take(`192.0.2.${i}`)).toBe(true)
    limit.giveBack(`192.0.2.${i}`)
  }
})
