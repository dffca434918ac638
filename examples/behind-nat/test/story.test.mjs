import { expect, test } from 'vitest'
import { inWorld, whyNoWorld } from '../src/world.mjs'

const missing = whyNoWorld()
if (missing !== null) console.warn(`Skipped: the story between network namespaces, since ${missing}.`)

test.skipIf(missing !== null)(
  'behind symmetric NATs the relay carries a database, and not a byte more once a NAT is friendly',
  async () => {
    /** @type {string[]} */
    const lines = []
    const { relayed, upgraded, end, laptop, phone } = await inWorld((line) => void lines.push(line))
    const ways = lines.filter((line) => line.startsWith('  phone: '))
    expect(ways).toEqual(['  phone: through the relay, by tcp', '  phone: directly, by udp'])
    expect(relayed.sessions).toBe(1)
    expect(relayed.bytes).toBeGreaterThan(0)
    expect(end).toEqual(upgraded)
    expect(upgraded.sessions).toBe(0)
    expect(upgraded.bytes).toBeLessThan(200_000)
    expect(phone).toEqual({ bread: 3, milk: 10, photo: 200_000, train: 4 })
    expect(laptop).toEqual(phone)
  }
)
