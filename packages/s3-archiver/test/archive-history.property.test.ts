import b4a from 'b4a'
import crypto from 'hypercore-crypto'
import fc from 'fast-check'
import flat from 'flat-tree'
import type Hypercore from 'hypercore'
import { expect, test } from 'vitest'
import { Cleanup, tmpStore } from '@cloudpal/test-kit'
import { storedNodes } from '../src/hypercore-adapter.ts'
import { Archiver } from '../src/index.ts'
import { MemoryStore } from '../src/testing/index.ts'
import { archived, WRITER } from './archived.ts'

const RUNS = 100

type Step =
  | { kind: 'append'; count: number; size: number }
  | { kind: 'truncate'; share: number }
  | { kind: 'clear'; from: number; share: number }
  | { kind: 'flush' }
  | { kind: 'restart' }

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    kind: fc.constant('append' as const),
    count: fc.integer({ min: 1, max: 30 }),
    size: fc.constantFrom(0, 10, 300, 5000)
  }),
  fc.record({ kind: fc.constant('append' as const), count: fc.constant(1), size: fc.constant(50) }),
  fc.record({ kind: fc.constant('truncate' as const), share: fc.nat(100) }),
  fc.record({
    kind: fc.constant('clear' as const),
    from: fc.nat(99),
    share: fc.nat(50)
  }),
  fc.record({ kind: fc.constant('flush' as const) }),
  fc.record({ kind: fc.constant('flush' as const) }),
  fc.record({ kind: fc.constant('restart' as const) })
)

/** Whether what the core has proves a block: Hypercore forgets more than the hashes of the blocks that it gives up. */
async function isProvable(core: Hypercore, seq: number, isHere: readonly boolean[]): Promise<boolean> {
  const known = await storedNodes(
    core,
    Array.from({ length: 2 * core.length }, (_, index) => index)
  )
  const isKnown = (index: number): boolean => {
    if (known[index] != null) return true
    if (index % 2 === 0) return isHere[index / 2] === true
    return isKnown(flat.leftChild(index)) && isKnown(flat.rightChild(index))
  }
  const roots = flat.fullRoots(2 * core.length)
  for (let index = 2 * seq; !roots.includes(index); index = flat.parent(index))
    if (!isKnown(flat.sibling(index))) return false
  return true
}

test('after every flush the archive is the core, with what it once had and has given up since', async () => {
  let failed = 0
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 50 }), async (steps) => {
      await using cleanup = new Cleanup()
      const core = (await tmpStore({ cleanup })).get({ name: 'core' })
      await core.ready()
      const store = new MemoryStore()
      const options = { cores: [core], writerId: WRITER, live: false, probe: false }
      let archiver = new Archiver(store, options)
      /** What the core has, or had; and whether it, or the archive, has it now. */
      let line: { text: string; isHere: boolean; isArchived: boolean }[] = []
      /** What the archive had after the last flush. */
      let before: readonly (string | null)[] = []
      for (const one of [...steps, { kind: 'flush' } as const]) {
        if (one.kind === 'append') {
          const blocks = Array.from({ length: one.count }, () => crypto.randomBytes(one.size))
          await core.append(blocks)
          line.push(
            ...blocks.map((block) => ({ text: b4a.toString(block), isHere: true, isArchived: false }))
          )
        } else if (one.kind === 'truncate') {
          const length = Math.floor((one.share / 100) * line.length)
          if (length === line.length) continue
          const isDone = await core.truncate(length).then(
            () => true,
            // A core that has forgotten what the shorter tree needs cannot be truncated to it.
            () => false
          )
          if (isDone) line = line.slice(0, length)
        } else if (one.kind === 'clear') {
          const start = Math.floor((one.from / 100) * line.length)
          const end = Math.min(line.length, start + Math.floor((one.share / 100) * line.length))
          if (end > start) await core.clear(start, end)
          for (const block of line.slice(start, end)) block.isHere = false
        } else if (one.kind === 'restart') {
          await archiver.close()
          archiver = new Archiver(store, options)
        } else {
          const error = await archiver.flush().then(
            () => null,
            (failure: { code: string }) => failure
          )
          if (error !== null) {
            // What is archived cannot be proved to belong to what the core is now: then the archive stays as it is.
            expect(error.code).toBe('S3_ARCHIVER_LOCAL_DAMAGED')
            expect(line.some(({ isHere }) => !isHere)).toBe(true)
            failed++
            return
          }
          if (line.length === 0) continue
          const texts = await archived(store, core.key as Uint8Array)
          const isHere = line.map((block) => block.isHere)
          for (const [seq, block] of line.entries()) {
            // The same bytes at the same place of an earlier history, such as none, are the same block.
            const isKept = before[seq] === block.text && texts[seq] === block.text
            block.isArchived ||=
              isKept || (block.isHere && (texts[seq] !== null || (await isProvable(core, seq, isHere))))
          }
          before = texts
          expect(texts).toEqual(line.map(({ text, isArchived }) => (isArchived ? text : null)))
        }
      }
      await archiver.close()
    }),
    { numRuns: RUNS }
  )
  expect(failed).toBeLessThan(RUNS / 2)
})
