import type { SeededRandom } from '@cloudpal/test-kit'
import {
  combine,
  dealerFingerprint,
  dealerKeyPair,
  refresh,
  SecretShareError,
  type CombineOptions,
  type SecretSet,
  type ShareFault,
  type ShareInput
} from '../../src/index.ts'
import { deal, friends, sharesOf } from '../sets.ts'
import { harms, type World } from './harms.ts'

export interface Tally {
  recoveries: number
  recovered: number
  refused: number
  /** How often each kind of bad share took part. */
  harms: Record<string, number>
  /** What must not be: wrong secrets, and bad shares not named, or good ones that were. */
  mistakes: string[]
}

const isSame = (a: Uint8Array, b: Uint8Array): boolean => a.join() === b.join()

/** So many recoveries of one world, before another is made. */
const PER_WORLD = 200

/** Recovers again and again with shares that were spoilt at random, by a model of what must come out. */
export function fuzzRecoveries(count: number, random: SeededRandom): Tally {
  const tally: Tally = { recoveries: 0, recovered: 0, refused: 0, harms: {}, mistakes: [] }
  for (const name of [...Object.keys(harms), 'duplicate', 'missing']) tally.harms[name] = 0
  let world = makeWorld(random)
  while (tally.recoveries < count && tally.mistakes.length < 10) {
    if (tally.recoveries % PER_WORLD === PER_WORLD - 1) world = makeWorld(random)
    recoverOnce(world, random, tally)
    tally.recoveries++
  }
  return tally
}

function makeWorld(random: SeededRandom): World & { set: SecretSet } {
  const count = random.integer(2, 7)
  const threshold = random.integer(2, count)
  const bytes = random.bytes
  const [dealer, thief] = [dealerKeyPair(bytes), dealerKeyPair(bytes)]
  const secret = bytes(random.pick([1, 16, 32]))
  const label = random.pick(['a', 'Ada’s cloud', 'x'.repeat(40)])
  const options = { threshold, count, label, random: bytes }
  const next = { threshold, holders: friends(count), label, dealer, random: bytes }
  // The set that is wanted is the newest of its epochs in one half of the worlds, and an older one in the other.
  const newest = random.integer(0, 1) === 1
  const first = deal(newest ? bytes(32) : secret, { ...options, dealer })
  const second = refresh(first.sheet, newest ? secret : bytes(32), next)
  const [set, otherEpoch] = newest ? [second, first] : [first, second]
  return {
    secret,
    set,
    newest,
    shares: sharesOf(set),
    threshold,
    dealer,
    thief,
    otherSet: sharesOf(deal(bytes(32), { ...options, dealer })),
    otherEpoch: sharesOf(otherEpoch),
    stranger: sharesOf(deal(bytes(32), { ...options, dealer: thief }))
  }
}

interface Given {
  input: ShareInput
  /** `null` for a good one. */
  codes: readonly string[] | null
}

function recoverOnce(world: World & { set: SecretSet }, random: SeededRandom, tally: Tally): void {
  const given = random.shuffle(gather(world, random, tally))
  const good = given.filter(({ codes }) => codes === null).length
  const shouldWork = good >= world.threshold
  const pinned = pinFor(world, given, good, random)
  const say = (what: string): void => {
    tally.mistakes.push(`recovery ${tally.recoveries}: ${what}`)
  }
  const inputs = given.map(({ input }) => input)
  recoverUnpinned(world, given, good, say)
  try {
    const { secret, faults } = combine(inputs, pinned)
    if (!isSame(secret, world.secret)) say('a WRONG SECRET')
    if (!shouldWork) say(`a secret of ${good} good shares`)
    compareFaults(given, faults, say)
    tally.recovered++
  } catch (error) {
    if (!(error instanceof SecretShareError)) throw error
    if (shouldWork) say(`none of ${good} good shares: ${error.message}`)
    if (error.code !== 'SECRET_SHARE_TOO_FEW') say(`refused with ${error.code}`)
    compareFaults(given, error.faults, say)
    tally.refused++
  }
}

/** What the owner knows: the sheet, or whose set it is, and which epoch if it is not the newest. */
function pinFor(
  { set, dealer, newest, threshold }: World & { set: SecretSet },
  given: readonly Given[],
  good: number,
  random: SeededRandom
): CombineOptions {
  const { sheet } = set
  const { setId, epoch } = sheet.header
  // A thief with the dealer's key is found by the sheet, or by enough true shares.
  const stolen = given.some(({ codes }) => codes?.includes('INCONSISTENT'))
  if (stolen && good < threshold) return { sheet }
  // Of old shares alone nobody can tell that there are newer ones.
  const which = newest && good > 0 && random.integer(0, 1) === 1 ? { setId } : { setId, epoch }
  const fingerprint = dealerFingerprint(dealer.publicKey)
  return random.pick<CombineOptions>([
    { sheet },
    { sheet },
    { ...which, dealer: dealer.publicKey },
    { ...which, fingerprint }
  ])
}

/**
 * Without any pin: a secret may be refused, and never be a wrong one, as long as one true share is there and those of
 * other sets are fewer than the true set needs.
 */
function recoverUnpinned(
  world: World,
  given: readonly Given[],
  good: number,
  say: (what: string) => void
): void {
  const foreign = given.filter(({ codes }) => codes?.some((code) => code.startsWith('OTHER_')))
  // Whoever has the dealer's key may renew the set, and the newest epoch counts.
  const renewed = !world.newest && given.some(({ codes }) => codes?.includes('OTHER_EPOCH'))
  if (good === 0 || foreign.length >= world.threshold || renewed) return
  try {
    const { secret } = combine(given.map(({ input }) => input))
    if (!isSame(secret, world.secret)) say('a WRONG SECRET, unpinned')
  } catch (error) {
    if (!(error instanceof SecretShareError)) throw error
    // What only a newer version reads may be of any set.
    const unread = given.some(({ codes }) => codes?.includes('NEWER_FORMAT'))
    if (foreign.length === 0 && !unread && good >= world.threshold)
      say(`unpinned, none of ${good}: ${error.message}`)
  }
}

/** Some of the shares, some of these spoilt, some given twice. */
function gather(world: World, random: SeededRandom, tally: Tally): Given[] {
  const count = (name: string): void => {
    tally.harms[name] = (tally.harms[name] ?? 0) + 1
  }
  const missing = random.integer(0, 2) === 0 ? random.integer(1, world.shares.length - 1) : 0
  if (missing > 0) count('missing')
  const harm = random.pick([0.1, 0.3, 0.6])
  const given: Given[] = []
  for (const share of random.shuffle([...world.shares]).slice(missing)) {
    if (random.float() < harm) {
      const name = random.pick(Object.keys(harms))
      count(name)
      given.push((harms[name] as (typeof harms)[string])(share, world, random))
    } else given.push({ input: random.pick<ShareInput>([share, share.toBytes()]), codes: null })
  }
  const twice = given.find(({ codes }) => codes === null)
  if (twice && random.integer(0, 4) === 0) {
    count('duplicate')
    given.push({ input: twice.input, codes: ['DUPLICATE'] })
  }
  return given
}

/** Each bad share is named with a code that fits, and no good one is. Of two copies either may be the one too many. */
function compareFaults(
  given: readonly Given[],
  faults: readonly ShareFault[],
  say: (what: string) => void
): void {
  const duplicates = given.flatMap(({ codes, input }) => (codes?.includes('DUPLICATE') ? [input] : []))
  for (const [position, { codes, input }] of given.entries()) {
    const found = faults.filter((fault) => fault.position === position)
    const named = found.map(({ code }) => code.replace('SECRET_SHARE_', ''))
    if (duplicates.includes(input)) continue
    const right = codes === null ? named.length === 0 : named.length === 1 && codes.includes(named[0] ?? '')
    if (!right)
      say(`share ${position} should be ${codes?.join('|') ?? 'good'}, is ${named.join('|') || 'good'}`)
  }
  const repeated = faults.filter(({ code }) => code === 'SECRET_SHARE_DUPLICATE').length
  if (repeated !== duplicates.length) say(`${duplicates.length} repeated, ${repeated} named so`)
}
