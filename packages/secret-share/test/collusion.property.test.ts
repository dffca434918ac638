import fc from 'fast-check'
import { expect, test } from 'vitest'
import { combine, dealerKeyPair, SecretShareError } from '../src/index.ts'
import { bytesOf, deal, sharesOf } from './sets.ts'

const [truth, lie] = [bytesOf(32, 1), bytesOf(32, 2)]
const dealer = dealerKeyPair()

/** What comes of it: whose secret, or the code. */
function outcome(run: () => { secret: Uint8Array }): string {
  try {
    const { secret } = run()
    return Buffer.compare(secret, truth) === 0 ? 'the truth' : 'A LIE'
  } catch (error) {
    if (error instanceof SecretShareError) return error.code
    throw error
  }
}

/** A true set, and fewer colluders than it needs: each gives one share of any set of their making, all of the same or not. */
const worlds = fc.integer({ min: 2, max: 6 }).chain((threshold) =>
  fc.record({
    threshold: fc.constant(threshold),
    count: fc.integer({ min: threshold, max: 7 }),
    honest: fc.integer({ min: 1, max: 7 }),
    colluders: fc.integer({ min: 1, max: threshold - 1 }),
    theirThreshold: fc.integer({ min: 2, max: 7 }),
    sets: fc.integer({ min: 1, max: 2 }),
    order: fc.nat()
  })
)

test('while one share is true, fewer colluders than are needed never get a secret of theirs accepted', () => {
  const seen = new Set<string>()
  fc.assert(
    fc.property(worlds, ({ threshold, count, honest, colluders, theirThreshold, sets, order }) => {
      const own = deal(truth, { threshold, count, dealer })
      const fakes = Array.from({ length: sets }, () =>
        sharesOf(deal(lie, { threshold: theirThreshold, count: 7 }))
      )
      const forged = Array.from({ length: colluders }, (_, i) => fakes[i % sets]?.[i] ?? 'nothing')
      const shares = [...sharesOf(own).slice(0, Math.min(honest, count)), ...forged]
      const turned = [...shares.slice(order % shares.length), ...shares.slice(0, order % shares.length)]
      const alone = outcome(() => combine(turned))
      seen.add(alone)
      expect(alone).toMatch(/^(the truth|SECRET_SHARE_(TOO_FEW|AMBIGUOUS))$/)
      const enough = Math.min(honest, count) >= threshold
      const right = enough ? 'the truth' : 'SECRET_SHARE_TOO_FEW'
      expect(outcome(() => combine(turned, { dealer: dealer.publicKey }))).toBe(right)
      expect(outcome(() => combine(turned, { sheet: own.sheet }))).toBe(right)
    }),
    { numRuns: 300 }
  )
  expect([...seen].sort()).toEqual(['SECRET_SHARE_AMBIGUOUS', 'SECRET_SHARE_TOO_FEW', 'the truth'])
})

test('as many colluders as are needed, and nobody else: only the pin tells', () => {
  const fake = sharesOf(deal(lie)).slice(0, 3)
  expect(outcome(() => combine(fake))).toBe('A LIE')
  expect(outcome(() => combine(fake, { dealer: dealer.publicKey }))).toBe('SECRET_SHARE_TOO_FEW')
})
