import b4a from 'b4a'
import crypto from 'hypercore-crypto'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Cleanup, tmpStore } from '@cloudpal/test-kit'
import { Archiver } from '../src/index.ts'
import { MemoryStore } from '../src/testing/index.ts'
import { archived, WRITER } from './archived.ts'

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
  fc.record({ kind: fc.constant('truncate' as const), share: fc.double({ min: 0, max: 1, noNaN: true }) }),
  fc.record({
    kind: fc.constant('clear' as const),
    from: fc.double({ min: 0, max: 1, noNaN: true }),
    share: fc.double({ min: 0, max: 0.5, noNaN: true })
  }),
  fc.record({ kind: fc.constant('flush' as const) }),
  fc.record({ kind: fc.constant('flush' as const) }),
  fc.record({ kind: fc.constant('restart' as const) })
)

test('after every flush the archive is the core, with what it once had and has given up since', async () => {
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
      for (const one of [...steps, { kind: 'flush' } as const]) {
        if (one.kind === 'append') {
          const blocks = Array.from({ length: one.count }, () => crypto.randomBytes(one.size))
          await core.append(blocks)
          line.push(
            ...blocks.map((block) => ({ text: b4a.toString(block), isHere: true, isArchived: false }))
          )
        } else if (one.kind === 'truncate') {
          const length = Math.floor(one.share * line.length)
          if (length === line.length) continue
          await core.truncate(length)
          line = line.slice(0, length)
        } else if (one.kind === 'clear') {
          const start = Math.floor(one.from * line.length)
          const end = Math.min(line.length, start + Math.floor(one.share * line.length))
          if (end > start) await core.clear(start, end)
          for (const block of line.slice(start, end)) block.isHere = false
        } else if (one.kind === 'restart') {
          await archiver.close()
          archiver = new Archiver(store, options)
        } else {
          await archiver.flush()
          for (const block of line) block.isArchived ||= block.isHere
          if (line.length === 0) continue
          const texts = await archived(store, core.key as Uint8Array)
          expect(texts).toEqual(line.map(({ text, isArchived }) => (isArchived ? text : null)))
        }
      }
      await archiver.close()
    }),
    { numRuns: 60 }
  )
}, 120_000)
