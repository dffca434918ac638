import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { runRounds } from './crash/rounds.ts'

/** `npm run crashes` sets these. */
const { CRASH_ROUNDS, CRASH_SEED } = process.env
const rounds = Number(CRASH_ROUNDS ?? 20)
const seed = Number(CRASH_SEED ?? 1)

test(
  `devices that are killed ${rounds} times over have lost nothing, and show what their logs say (seed ${seed})`,
  { timeout: 300_000 + rounds * 20_000 },
  async () => {
    const directory = await mkdtemp(join(tmpdir(), 'cloudpal-crashes-'))
    const print = CRASH_ROUNDS === undefined ? (): void => {} : console.log
    const totals = await runRounds(rounds, seed, directory, print)
    print(
      `${totals.rounds} rounds on ${totals.databases} databases, ${totals.kills} kills, ` +
        `${totals.acknowledged} acknowledged writes, lost ${totals.lost}, differences ${totals.differences}`
    )
    // A run in which nobody was killed, or nothing was written, shows nothing.
    expect(totals.kills).toBeGreaterThanOrEqual(rounds)
    expect(totals.acknowledged).toBeGreaterThan(rounds * 10)
    // What a failure leaves is kept, to look at.
    await rm(directory, { recursive: true })
  }
)
