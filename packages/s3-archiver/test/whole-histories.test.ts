import crypto from 'hypercore-crypto'
import b4a from 'b4a'
import type Hypercore from 'hypercore'
import { expect, test } from 'vitest'
import { collect, tmpStore } from '@cloudpal/test-kit'
import { Archiver, compact, moments, prune, verify } from '../src/index.ts'
import { expandSegments, readHead } from '../src/read/archive-reader.ts'
import { readSegment } from '../src/read/opened-segment.ts'
import { MemoryStore } from '../src/testing/index.ts'
import { WRITER } from './archived.ts'
import { ManualClock } from './manual-clock.ts'

const DAY = 24 * 60 * 60 * 1000

test.each([1, 2, 3, 4, 5, 6])(
  'whatever is done in what order, no archived block is lost (%i)',
  async (seed) => {
    let state = seed * 7919
    const random = (): number => (state = (state * 1103515245 + 12345) % 2147483648) / 2147483648
    const pick = (n: number): number => Math.floor(random() * n)
    const clock = new ManualClock()
    const store = new MemoryStore({ now: () => clock.now() })
    const corestore = await tmpStore()
    const cores = Array.from({ length: 24 }, (_, i) => corestore.get({ name: `${i}` }))
    await Promise.all(cores.map((core) => core.ready()))
    const keys = cores.map(({ key }) => key as Uint8Array)
    const start = (): Archiver =>
      new Archiver(store, { corestore, writerId: WRITER, clock, live: false, probe: false })
    let archiver = start()
    /** By core: what is expected of it, by block; undefined of what the archive need not have. */
    const model = cores.map((): (string | undefined)[] => [])
    const known = cores.map((): (string | undefined)[] => [])
    for (let step = 0; step < 60; step++) {
      const c = pick(random() < 0.5 ? 3 : cores.length)
      const core = cores[c] as Hypercore
      const what = pick(12)
      if (what < 5) {
        const blocks = Array.from({ length: 1 + pick(6) }, () =>
          crypto.randomBytes(random() < 0.3 ? 40_000 : 50)
        )
        await core.append(blocks)
        for (const block of blocks) model[c]?.push(b4a.toString(block, 'hex'))
      } else if (what === 5 && core.length > 1) {
        const length = pick(core.length)
        // Hypercore 11.37 cannot truncate to where it has forgotten nodes of what was cleared.
        if (
          await core.truncate(length).then(
            () => true,
            () => false
          )
        )
          (model[c] as unknown[]).length = length
      } else if (what === 6 && core.length > 2) {
        const at = pick(core.length)
        await core.clear(at, Math.min(core.length, at + 2))
      } else if (what === 7) {
        await archiver.close()
        archiver = start()
        await archiver.ready()
      } else if (what === 8) {
        clock.advance(3 * DAY)
        await prune(store, { keep: { last: 1 + pick(4), daily: pick(3) }, keepLines: random() < 0.5 })
      } else if (what === 9) {
        await archiver.close()
        const there = []
        for (const key of keys)
          if (
            await readHead(store, key).then(
              () => true,
              (e) => {
                if (e.code !== 'S3_ARCHIVER_NOT_ARCHIVED') throw e
                return false
              }
            )
          )
            there.push(key)
        await compact(store, { keys: there, writerId: WRITER })
        archiver = start()
      } else if (what === 10) {
        for (let i = 0; i < 20; i++) {
          const many = pick(cores.length)
          const block = crypto.randomBytes(20)
          await (cores[many] as Hypercore).append(block)
          model[many]?.push(b4a.toString(block, 'hex'))
        }
      }
      if (what !== 8 && what !== 9) {
        await archiver.flush().catch((error: Error) => {
          throw new Error(`step ${step} ${what}: ${error.message}`, { cause: error })
        })
        clock.advance(60_000)
      }
      const report = await verify(store, { keys: [] }).catch((error: Error) => {
        throw new Error(`step ${step} ${what}: ${error.message}`)
      })
      expect({ step, what, ...report }).toMatchObject({ ok: true })
      for (const [i, key] of keys.entries()) {
        const m = model[i] as (string | undefined)[]
        if ((cores[i] as Hypercore).length === 0) continue
        const head = await readHead(store, key).catch(() => null)
        if (head === null) continue
        const local = cores[i] as Hypercore
        if (head.record.length !== local.length || head.record.fork !== local.fork) continue
        for await (const s of expandSegments(store, key, head.record.segments)) {
          if (s.kind === 'hole') {
            for (let n = s.start; n < s.start + s.count; n++)
              if (known[i]?.[n] === m[n] && m[n] !== undefined)
                throw new Error(`step ${step} ${what}: core ${i} lost block ${n}`)
            continue
          }
          for (const [j, block] of (await readSegment(store, key, s)).entries()) {
            expect(b4a.toString(block, 'hex')).toBe(m[s.start + j])
            ;(known[i] as string[])[s.start + j] = m[s.start + j] as string
          }
        }
      }
      if (step % 20 === 19)
        for (const key of keys.slice(0, 4))
          for (const m of await collect(moments(store, { key })))
            if (m.core !== null) {
              const head = await readHead(store, key, { at: { seq: m.seq } })
              for await (const s of expandSegments(store, key, head.record.segments))
                if (s.kind === 'blocks') await readSegment(store, key, s)
            }
    }
    await archiver.close()
  }
)
