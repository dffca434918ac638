import { seededRandom } from '@cloudpal/test-kit'
import { expect, test } from 'vitest'
import { FoundHosts } from '../../src/lan/found-hosts.ts'

test('a device is found now and then however many hosts were named before it, and few of them are tried', () => {
  const random = seededRandom(7)
  let [found, reported] = [0, 0]
  for (let question = 0; question < 400; question++) {
    const hosts = new FoundHosts(() => random.integer(0, 999_999) / 1_000_000)
    // All others of a network of 256.
    for (let i = 0; i < 253; i++) if (hosts.add(`192.168.1.${i}`, 4989)) reported++
    if (hosts.add('192.168.1.254', 4989)) found++
  }
  // One in four: 64 of 254.
  expect(found).toBeGreaterThan(70)
  expect(found).toBeLessThan(130)
  // 64 × (1 + ln(253 / 64)) each.
  expect(reported / 400).toBeLessThan(170)
})

test('a host and port are told once, two ports of each, and again after another question', () => {
  const hosts = new FoundHosts()
  const told = (): boolean[] => [1, 1, 2, 3].map((port) => hosts.add('192.0.2.1', port))
  expect(told()).toEqual([true, false, true, false])
  hosts.clear()
  expect(told()).toEqual([true, false, true, false])
})
