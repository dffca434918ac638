import { expect, test } from 'vitest'
import type { Outcome } from './outcome.ts'
import { Simulation } from './simulation.ts'

const FROM = Number(process.env['SIMULATE_FROM'] ?? 1)
const SEEDS = Number(process.env['SIMULATE_SEEDS'] ?? 200)
const MINUTES = Number(process.env['SIMULATE_MINUTES'] ?? Infinity)
/** Tells the story of a single seed. */
const STORY = process.env['SIMULATE_STORY'] === '1'

test(
  `${SEEDS} simulated worlds, from seed ${FROM}`,
  async () => {
    const total: Record<string, number> = {}
    const end = performance.now() + MINUTES * 60_000
    let seeds = 0
    for (; seeds < SEEDS && performance.now() < end; seeds++) {
      const seed = FROM + seeds
      const story: string[] = []
      try {
        const outcome: Outcome = await new Simulation(seed, (line) => story.push(line)).run()
        for (const [name, count] of Object.entries(outcome)) total[name] = (total[name] ?? 0) + count
        if (STORY) console.log(story.join('\n'))
      } catch (error) {
        const told = STORY ? `\n${story.join('\n')}` : ''
        throw new Error(`seed ${seed} fails${told}\n${(error as Error).stack}`, { cause: error })
      }
    }
    console.log(JSON.stringify({ seeds, ...total }))
    expect(seeds).toBeGreaterThan(0)
  },
  Math.min(2 ** 31 - 1, 3_600_000 * 24)
)
