import fc from 'fast-check'
import { expect, test } from 'vitest'
import { combine, dealerKeyPair, refresh, SecretShareError, type SecretSet } from '../src/index.ts'
import { bytesOf, deal, friends, sharesOf, type DealOptions } from './sets.ts'

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

const LABELS = ['Ada’s cloud', 'wallet']

/** The same, and what the owner asks for, of which true shares may be none and false ones all. */
const asked = worlds.chain((world) =>
  fc.record({
    world: fc.constant(world),
    ownEpoch: fc.nat(1),
    theirEpoch: fc.nat(1),
    theirLabel: fc.constantFrom(...LABELS),
    label: fc.option(fc.constantFrom(...LABELS)),
    epoch: fc.option(fc.nat(1))
  })
)

/** A set that was renewed as often. */
function dealt(secret: Uint8Array, epoch: number, options: Required<Omit<DealOptions, 'random'>>): SecretSet {
  const first = deal(secret, options)
  const { threshold, count, dealer, label } = options
  return epoch === 0
    ? first
    : refresh(first.sheet, secret, { threshold, holders: friends(count), dealer, label })
}

test('nor by the label or the epoch that the owner asks for, which anybody can copy', () => {
  const seen = new Set<string>()
  fc.assert(
    fc.property(asked, ({ world, ownEpoch, theirEpoch, theirLabel, label, epoch }) => {
      const { threshold, count, honest, colluders, theirThreshold } = world
      const own = dealt(truth, ownEpoch, { threshold, count, dealer, label: 'Ada’s cloud' })
      const theirs = { threshold: theirThreshold, count: 7, dealer: dealerKeyPair(), label: theirLabel }
      const shares = [
        ...sharesOf(dealt(lie, theirEpoch, theirs)).slice(0, colluders),
        ...sharesOf(own).slice(0, Math.min(honest, count))
      ]
      const options = { ...(label !== null && { label }), ...(epoch !== null && { epoch }) }
      const alone = outcome(() => combine(shares, options))
      seen.add(alone)
      expect(alone).toMatch(/^(the truth|SECRET_SHARE_(TOO_FEW|AMBIGUOUS))$/)
      const isAsked = (label ?? 'Ada’s cloud') === 'Ada’s cloud' && (epoch ?? ownEpoch) === ownEpoch
      const right = isAsked && Math.min(honest, count) >= threshold ? 'the truth' : 'SECRET_SHARE_TOO_FEW'
      expect(outcome(() => combine(shares, { ...options, dealer: dealer.publicKey }))).toBe(right)
      expect(outcome(() => combine(shares, { ...options, sheet: own.sheet }))).toBe(right)
    }),
    { numRuns: 150 }
  )
  expect([...seen].sort()).toEqual(['SECRET_SHARE_AMBIGUOUS', 'SECRET_SHARE_TOO_FEW', 'the truth'])
})

test('as many colluders as are needed, and nobody else: only the pin tells', () => {
  const fake = sharesOf(deal(lie)).slice(0, 3)
  expect(outcome(() => combine(fake))).toBe('A LIE')
  expect(outcome(() => combine(fake, { dealer: dealer.publicKey }))).toBe('SECRET_SHARE_TOO_FEW')
})
