import { onTestFinished, TestRunner } from 'vitest'

/** In the order they must be torn down: a store that closes under a live stream leaves the stream open. */
const PHASES = ['swarm', 'stream', 'store', 'network', 'files'] as const

/** What kind of thing is torn down. */
export type CleanupPhase = (typeof PHASES)[number]

/** Option of everything here that owns something. */
export interface CleanupOptions {
  /**
   * What it is torn down with. Pass one outside a test (`beforeAll`, benchmarks, examples) and in
   * `test.concurrent`, where the running test cannot be known.
   *
   * @defaultValue that of the running test, run when the test has finished
   */
  cleanup?: Cleanup
}

/**
 * Things to tear down together: swarms, streams, stores, networks, files; the newest first in each phase.
 *
 * @example
 * ```ts
 * await using cleanup = new Cleanup()
 * const store = await tmpStore({ cleanup })
 * ```
 */
export class Cleanup {
  readonly #steps: { phase: number; run: () => unknown }[] = []

  /** Adds a step. May be called while others run. */
  defer(phase: CleanupPhase, run: () => unknown): void {
    this.#steps.push({ phase: PHASES.indexOf(phase), run })
  }

  /**
   * Runs every step once, also when some fail.
   *
   * @throws the first failure, or an AggregateError of several
   */
  async run(): Promise<void> {
    const failures: unknown[] = []
    for (let step = this.#takeNext(); step !== null; step = this.#takeNext()) {
      try {
        await step()
      } catch (failure) {
        failures.push(failure)
      }
    }
    if (failures.length === 1) throw failures[0]
    if (failures.length > 1) throw new AggregateError(failures, 'several cleanup steps failed')
  }

  /** Same as `run()`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.run()
  }

  #takeNext(): (() => unknown) | null {
    let next = -1
    for (const [i, { phase }] of this.#steps.entries()) {
      if (next === -1 || phase <= (this.#steps[next]?.phase ?? 0)) next = i
    }
    return this.#steps.splice(next, next === -1 ? 0 : 1)[0]?.run ?? null
  }
}

const cleanups = new WeakMap<object, Cleanup>()

/**
 * The cleanup of the running Vitest test. It runs after hooks the test adds with `onTestFinished` later on.
 *
 * @throws Error outside a test: pass a `cleanup` there
 */
export function testCleanup(): Cleanup {
  const test: object | undefined = TestRunner.getCurrentTest()
  if (test === undefined) throw new Error('no test is running: pass { cleanup } and run it yourself')
  const existing = cleanups.get(test)
  if (existing !== undefined) return existing
  const cleanup = new Cleanup()
  cleanups.set(test, cleanup)
  onTestFinished(async () => {
    cleanups.delete(test)
    await cleanup.run()
  })
  return cleanup
}
