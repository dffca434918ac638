import { expect, test } from 'vitest'
import { canMakeWorlds, inWorld } from './world.ts'

const RELAY = '198.51.100.1'
const NAT_OF_B = '198.51.100.20'
const BYTES = 256 * 1024

interface Meeting {
  outcome: { failed?: string; carried?: number; host?: string }
  relayed: { carriedBytes: number; links: number }
}

const meet = (nat: 'friendly' | 'symmetric', hasRelay: boolean): Promise<Meeting> =>
  inWorld<Meeting>(nat, nat, 'meeting.mjs', { hasRelay })

test.skipIf(!canMakeWorlds())(
  'behind two symmetric NATs nobody gets through directly',

  async () => {
    const { outcome, relayed } = await meet('symmetric', false)
    expect(outcome).toEqual({ failed: 'HOLEPUNCH_ABORTED' })
    expect(relayed.carriedBytes).toBe(0)
  }
)

test.skipIf(!canMakeWorlds())(
  'behind two symmetric NATs the relay carries it all, by UDP',

  async () => {
    const { outcome, relayed } = await meet('symmetric', true)
    expect(outcome).toMatchObject({ carried: BYTES, host: RELAY })
    expect(relayed.links).toBe(1)
    expect(relayed.carriedBytes).toBeGreaterThan(2 * BYTES)
  }
)

test.skipIf(!canMakeWorlds())(
  'behind two friendly NATs the bytes go directly, relay or not',

  async () => {
    const [without, having] = [await meet('friendly', false), await meet('friendly', true)]
    expect(without.outcome).toMatchObject({ carried: BYTES, host: NAT_OF_B })
    expect(without.relayed.carriedBytes).toBe(0)
    expect(having.outcome).toMatchObject({ carried: BYTES, host: NAT_OF_B })
    expect(having.relayed.carriedBytes).toBeLessThan(2 * BYTES)
  }
)
