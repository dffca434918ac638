import { setImmediate as turn } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { until } from '@cloudpal/test-kit'
import { Uploads } from '../src/archive/uploads.ts'
import { Valve } from '../src/archive/valve.ts'
import { systemClock } from '../src/clock.ts'
import { Stop } from '../src/stop.ts'
import { MemoryStore } from '../src/testing/index.ts'
import { Passing } from './bad-stores.ts'

/** Puts nothing until it is let. */
class Slow extends Passing {
  readonly waiting: (() => void)[] = []

  override async putIfAbsent(name: string, bytes: Uint8Array): Promise<boolean> {
    await new Promise<void>((resolve) => this.waiting.push(resolve))
    return super.putIfAbsent(name, bytes.subarray(0, 10))
  }
}

test('of objects with large blocks fewer are under way, so that not much more is in memory than of others', async () => {
  const store = new Slow(new MemoryStore())
  const uploads = new Uploads(store, new Valve(systemClock, Infinity), new Stop(), () => systemClock.now())
  const large = Array.from({ length: 5 }, (_, i) => new Uint8Array(15_000_000).fill(i))
  const add = async (): Promise<void> => {
    for (const bytes of large) await uploads.add('shard', bytes)
  }
  const adding = add()
  for (let left = large.length; left > 0; left--) {
    const most = Math.min(2, left)
    await until(() => store.waiting.length === most)
    for (let i = 0; i < 20; i++) await turn()
    expect(store.waiting.length).toBe(most)
    store.waiting.shift()?.()
  }
  await adding
  await uploads.done()
})
