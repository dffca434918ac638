import { writeFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { actions } from './actions.ts'
import { Simulation } from './simulation.ts'

/** Read by `scripts/simulate.mjs`, which sets them. */
const { SIMULATE_FROM, SIMULATE_STEP, SIMULATE_SEEDS, SIMULATE_MINUTES, SIMULATE_REPORT } =
  process.env as Record<string, string | undefined>
const FROM = Number(SIMULATE_FROM ?? 1)
const STEP = Number(SIMULATE_STEP ?? 1)
const SEEDS = Number(SIMULATE_SEEDS ?? 200)
const MINUTES = Number(SIMULATE_MINUTES ?? Infinity)
const A_DAY_MS = 24 * 3_600_000

test(
  'every simulated world equals the oracle, and all its devices each other',
  { timeout: A_DAY_MS },
  async () => {
    const total: Record<string, number> = { worlds: 0 }
    const end = performance.now() + MINUTES * 60_000
    for (let i = 0; i < SEEDS && performance.now() < end; i++) {
      const seed = FROM + i * STEP
      const story: string[] = []
      try {
        const outcome = await new Simulation(seed, actions, (line) => story.push(line)).run()
        for (const [name, count] of Object.entries({ worlds: 1, ...outcome }))
          total[name] = (total[name] ?? 0) + count
      } catch (cause) {
        report({ failed: seed, story, error: (cause as Error).message, total })
        throw new Error(`seed ${seed}: npm run simulate -- --from ${seed} --seeds 1 tells its story`, {
          cause
        })
      }
    }
    report({ failed: null, story: [], error: null, total })
    expect(total['worlds']).toBeGreaterThan(0)
  }
)

function report(result: object): void {
  if (SIMULATE_REPORT !== undefined) writeFileSync(SIMULATE_REPORT, JSON.stringify(result))
}
