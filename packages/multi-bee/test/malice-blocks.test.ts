import { expect, test } from 'vitest'
import { attack, type Tally } from './support/malice.ts'

/** `npm run malice -- --blocks 100000 --seed 1` sets these. */
const { MALICE_BLOCKS = '3000', MALICE_SEED = '1' } = process.env

test(
  'mutated blocks in members’ logs never make two honest devices differ from each other or from the oracle',
  { timeout: 300_000 + 60 * Number(MALICE_BLOCKS) },
  async () => {
    const tally: Tally = { blocks: 0, sound: 0, malformed: 0, devices: 0, alive: 0 }
    for (let seed = Number(MALICE_SEED); tally.blocks < Number(MALICE_BLOCKS); seed++) {
      await attack(seed, tally).catch((cause: unknown) => {
        throw new Error(`MALICE_SEED=${seed} MALICE_BLOCKS=1 shows it again`, { cause })
      })
    }
    expect(tally.sound).toBeGreaterThan(tally.blocks / 20)
    expect(tally.malformed).toBeGreaterThan(tally.blocks / 20)
    expect(tally.alive).toBeGreaterThan(tally.devices / 2)
    const { blocks, devices, alive, sound, malformed } = tally
    console.log(
      `${blocks} mutated blocks (of all there: ${sound} sound transactions, ${malformed} malformed), ${devices} devices compared (${alive} in databases with members left), 0 differences`
    )
  }
)
