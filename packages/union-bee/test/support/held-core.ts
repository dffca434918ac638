import type { TextBee } from './bees.ts'

type Core = Record<string, (...args: unknown[]) => Promise<unknown>>

/** A slow disk: what is read of a bee's core, and of its snapshots, is held back until it is let go. */
export interface HeldCore {
  /** Holds back what is read from now on. */
  hold(): void
  /** Resolves when something is held back. */
  reached(): Promise<void>
  letGo(): void
}

export function heldCore(bee: TextBee): HeldCore {
  let held: Promise<void> | null = null
  let reach = (): void => {}
  let letGo = (): void => {}
  let reading = Promise.resolve()
  const hook = (core: Core): void => {
    const get = core['get']?.bind(core) as Core[string]
    core['get'] = async (...args) => {
      const wait = held
      const value = await get(...args)
      if (wait === null) return value
      reach()
      await wait
      return value
    }
  }
  const core = bee.core as unknown as Core & { snapshot(...args: unknown[]): Core }
  hook(core)
  const snapshot = core.snapshot.bind(core)
  core.snapshot = (...args) => {
    const made = snapshot(...args)
    hook(made)
    return made
  }
  return {
    hold: () => {
      held = new Promise((resolve) => (letGo = resolve))
      reading = new Promise((resolve) => (reach = resolve))
    },
    reached: () => reading,
    letGo: () => {
      held = null
      letGo()
    }
  }
}
