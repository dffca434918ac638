import type { SeededRandom } from '@cloudpal/test-kit'

/** How one device's process is meant to end. Counts are of what it reports. */
export interface Fate {
  /**
   * `write`: killed after so many acknowledgements. `open`, `close`, `flush`: killed while it does that. `stay`: lives until the
   * others are dead.
   */
  moment: 'write' | 'open' | 'close' | 'flush' | 'stay'
  /** Acknowledgements before it, or before it is told to close or flush. */
  after: number
  /** Between what it reports and the kill. */
  delayUs: number
  /** Of one that stays: whether it is killed in the end, instead of closed. */
  killed: boolean
}

const MOMENTS: readonly Fate['moment'][] = ['write', 'write', 'open', 'close', 'flush', 'flush']
/** An open takes 30 to 100 ms here, a close or a flush a few. */
const LONGEST_US = { write: 2500, open: 80_000, close: 12_000, flush: 6000, stay: 0 }

/** Fates of some devices. At least one of them is killed. */
export function drawFates(random: SeededRandom, devices: number): Fate[] {
  const count = random.integer(1, devices)
  const victims = random.shuffle(Array.from({ length: devices }, (_, i) => i < count))
  return victims.map((isVictim) => {
    const moment = isVictim ? random.pick(MOMENTS) : 'stay'
    return {
      moment,
      after: random.integer(0, 20),
      delayUs: random.integer(0, LONGEST_US[moment]),
      killed: random.float() < 0.3
    }
  })
}
