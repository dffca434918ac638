import { Cleanup, replicate, tmpStore, until } from '@cloudpal/test-kit'
import fc from 'fast-check'
import type Hypercore from 'hypercore'
import { expect, test } from 'vitest'
import { carryBlocks, CoreFollower } from '../src/cores/index.ts'
import { bytesOf } from './people.ts'
import { hypercore, named, roll } from './rolls.ts'

type Step =
  | { readonly type: 'append'; readonly count: number }
  | { readonly type: 'steal'; readonly count: number }
  | { readonly type: 'roll'; readonly back: number; readonly carries: boolean }
  | { readonly type: 'read'; readonly most: number }
  | { readonly type: 'update' }
  | { readonly type: 'carry' }
  | { readonly type: 'restart' }

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({ type: fc.constant('append'), count: fc.integer({ min: 1, max: 20 }) })
  },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('steal'), count: fc.integer({ min: 1, max: 5 }) }) },
  {
    weight: 2,
    arbitrary: fc.record({ type: fc.constant('roll'), back: fc.nat(12), carries: fc.constant(true) })
  },
  { weight: 3, arbitrary: fc.record({ type: fc.constant('read'), most: fc.integer({ min: 1, max: 40 }) }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('update') }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('carry') }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('restart') }) }
) as fc.Arbitrary<Step>

/** What a follower has in the end, having given back what was retracted. */
async function follow(
  steps: readonly Step[],
  encryptionKey: Uint8Array | null
): Promise<{ has: string[]; is: string[] }> {
  await using cleanup = new Cleanup()
  const [mine, theirs] = [await tmpStore({ cleanup }), await tmpStore({ cleanup })]
  const first = mine.get({ name: 'notes', encryption: encryptionKey && { key: encryptionKey } })
  await first.ready()
  await first.append('0')
  const chain = named('notes', first)
  replicate(mine, theirs, { cleanup })
  const options = { encryptionKey }
  let follower = new CoreFollower(theirs, 'notes', options)
  let known = chain.state
  let core: Hypercore = first
  let count = 1
  const is = ['0']
  const has: string[] = []
  const update = async (): Promise<void> => {
    known = chain.state
    const retracted = await follower.update(known)
    if (retracted !== null) has.splice(retracted.start, retracted.end - retracted.start)
  }
  const read = async (most: number): Promise<void> => {
    for (let i = 0; i < most; i++) {
      const next = await follower.next()
      if (next === null) return
      expect(next.index).toBe(has.length)
      has.push(String(next.block))
    }
  }
  await update()
  for (const one of steps) {
    if (one.type === 'append') {
      const blocks = Array.from({ length: one.count }, () => String(count++))
      await core.append(blocks)
      is.push(...blocks)
    } else if (one.type === 'roll') {
      const length = Math.max(1, core.length - one.back)
      const next = await roll(mine, chain, 'notes', core, { length, ...(encryptionKey && { encryptionKey }) })
      await carryBlocks(core, next)
      is.length = length
      core = hypercore(next)
    } else if (one.type === 'steal') {
      // Who has the first key writes on, whether that still counts or not.
      const blocks = Array.from({ length: one.count }, () => String(count++))
      await first.append(blocks)
      if (core === first) is.push(...blocks)
    } else if (one.type === 'read') await read(one.most)
    else if (one.type === 'update') await update()
    else if (one.type === 'carry') await follower.carry()
    else {
      const { position, core: at } = follower
      await follower.close()
      follower = new CoreFollower(theirs, 'notes', { ...options, position, core: at })
      await update()
    }
  }
  await update()
  // Of the last appends it may hear only now.
  await until(async () => {
    await read(Infinity)
    return has.length >= is.length
  })
  await follower.close()
  return { has, is }
}

test('whatever is written, stolen, rolled over, read and restarted in between, a follower ends up with each block that counts, once', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 25 }), fc.boolean(), async (steps, isEncrypted) => {
      const { has, is } = await follow(steps, isEncrypted ? bytesOf(42) : null)
      expect(has).toEqual(is)
    }),
    { numRuns: 25 }
  )
}, 120_000)
