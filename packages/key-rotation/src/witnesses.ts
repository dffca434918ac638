import b4a from 'b4a'
import { badArgument, checkCount, checkKey, checkOptions } from './arguments.ts'
import { KeyRotationError, type KeyRotationErrorCode } from './errors.ts'
import { type Receipt, readReceipt } from './format/receipt.ts'
import { hex, type IdentityState } from './state/state.ts'

/** What others have seen of an identity, and whose word counts. */
export interface WitnessOptions {
  /** As `createReceipt` makes them. */
  receipts: readonly Uint8Array[]
  /**
   * Whose receipts count, keys of 32 bytes.
   *
   * @defaultValue the devices that the identity's own keys have let in, without the revoked and, where `now` is given, the expired. Against who has stolen these keys name others
   */
  keys?: readonly Uint8Array[]
  /**
   * How many of them must have seen the last event.
   *
   * @defaultValue 0
   */
  need?: number
}

/**
 * What receipts say of a chain. Of each witness that of the highest event here counts; or the newest, if that is of an event that is not here and was seen later. Who has gone over from
 * a longer history to a stronger one says nothing against it.
 */
export interface Witnesses {
  /** Have seen the last event, and nothing else. */
  readonly confirmed: readonly Receipt[]
  /** Have seen an earlier event of this chain, and may not know of more. */
  readonly behind: readonly Receipt[]
  /** Have seen more: this chain is out of date. */
  readonly ahead: readonly Receipt[]
  /** Have seen another event in the place of one here: the identity is forked. Also both receipts of one who says two things at one time. */
  readonly contrary: readonly Receipt[]
  /** What counts for nothing, by its place among the receipts. `null`: it is by somebody else. */
  readonly refused: readonly { readonly position: number; readonly code: KeyRotationErrorCode | null }[]
}

/**
 * Compares receipts with a chain.
 *
 * @param hashes - of the chain's events
 * @throws KEY_ROTATION_BAD_ARGUMENT, KEY_ROTATION_NOT_WITNESSED
 */
export function weigh(
  state: IdentityState,
  hashes: readonly Uint8Array[],
  options: WitnessOptions | null,
  now: number | null
): Witnesses {
  const { receipts = [], need = 0 } = options ?? {}
  if (options !== null) checkOptions(options, ['receipts', 'keys', 'need'])
  if (!Array.isArray(receipts)) throw badArgument('`receipts` must be an array')
  checkCount(need, '`need`')
  const { said, refused } = readAll(receipts, state.identity, keysOf(options?.keys, state, now))
  const groups: Record<'confirmed' | 'behind' | 'ahead' | 'contrary', Receipt[]> = {
    confirmed: [],
    behind: [],
    ahead: [],
    contrary: []
  }
  for (const by of said) {
    const newest = newestOf(by, hashes)
    for (const receipt of newest)
      groups[newest.length > 1 ? 'contrary' : groupOf(receipt, hashes)].push(receipt)
  }
  const { confirmed } = groups
  if (confirmed.length < need) {
    const message = `${need} witnesses must have seen the last event, and ${confirmed.length} did`
    throw new KeyRotationError('KEY_ROTATION_NOT_WITNESSED', message)
  }
  return { ...groups, refused }
}

function groupOf(
  { seq, hash }: Receipt,
  hashes: readonly Uint8Array[]
): 'confirmed' | 'behind' | 'ahead' | 'contrary' {
  const known = hashes[seq]
  if (known === undefined) return 'ahead'
  if (!b4a.equals(known, hash)) return 'contrary'
  return seq === hashes.length - 1 ? 'confirmed' : 'behind'
}

/** What a witness says that counts: one thing, or several of which only one could be. */
function newestOf(said: readonly Receipt[], hashes: readonly Uint8Array[]): readonly Receipt[] {
  const isHere = ({ seq, hash }: Receipt): boolean => {
    const known = hashes[seq]
    return known !== undefined && b4a.equals(known, hash)
  }
  const found = said.filter(isHere)
  const here = highestOf(found)
  const others = said.filter((receipt) => !isHere(receipt) && receipt.time >= latestOf(found))
  const latest = others.filter(({ time }) => time === latestOf(others))
  const elsewhere = highestOf(latest)
  const newest = latest.filter(({ seq }) => seq === elsewhere?.seq)
  if (here === null || elsewhere === null) return here === null ? newest : [here]
  return elsewhere.time > latestOf(found) || elsewhere.seq > here.seq ? newest : [here, ...newest]
}

function highestOf(receipts: readonly Receipt[]): Receipt | null {
  return receipts.reduce<Receipt | null>(
    (best, one) => (best === null || one.seq >= best.seq ? one : best),
    null
  )
}

function latestOf(receipts: readonly Receipt[]): number {
  return Math.max(-Infinity, ...receipts.map(({ time }) => time))
}

/** Receipts of each witness, of which no two say the same. */
function readAll(
  receipts: readonly Uint8Array[],
  identity: Uint8Array,
  keys: ReadonlySet<string>
): { said: readonly (readonly Receipt[])[]; refused: Witnesses['refused'] } {
  const said = new Map<string, Map<string, Receipt>>()
  const refused: { position: number; code: KeyRotationErrorCode | null }[] = []
  for (const [position, bytes] of receipts.entries()) {
    try {
      const receipt = readReceipt(bytes)
      if (!b4a.equals(receipt.identity, identity)) {
        refused.push({ position, code: 'KEY_ROTATION_WRONG_IDENTITY' })
        continue
      }
      const witness = hex(receipt.witness)
      if (!keys.has(witness)) {
        refused.push({ position, code: null })
        continue
      }
      const known = said.get(witness) ?? new Map<string, Receipt>()
      const event = `${receipt.seq} ${hex(receipt.hash)}`
      if ((known.get(event)?.time ?? -1) < receipt.time) known.set(event, receipt)
      said.set(witness, known)
    } catch (error) {
      if (!(error instanceof KeyRotationError)) throw error
      refused.push({ position, code: error.code })
    }
  }
  return { said: [...said.values()].map((known) => [...known.values()]), refused }
}

function keysOf(
  given: readonly Uint8Array[] | undefined,
  { devices }: IdentityState,
  now: number | null
): ReadonlySet<string> {
  if (given === undefined) {
    const live = devices.filter(
      // An admin could let in whom it likes.
      ({ added, revoked, expires }) =>
        added.by === null && revoked === null && (expires === null || now === null || now < expires)
    )
    return new Set(live.map(({ key }) => hex(key)))
  }
  if (!Array.isArray(given)) throw badArgument('`keys` must be an array')
  for (const key of given) checkKey(key, 'the key of a witness')
  return new Set(given.map(hex))
}
