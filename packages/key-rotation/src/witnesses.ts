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
   * @defaultValue the identity's own devices, without the revoked and, where `now` is given, the expired
   */
  keys?: readonly Uint8Array[]
  /**
   * How many of them must have seen the last event.
   *
   * @defaultValue 0
   */
  need?: number
}

/** What receipts say of a chain. Of each witness only the newest counts. */
export interface Witnesses {
  /** Have seen the last event, and nothing else. */
  readonly confirmed: readonly Receipt[]
  /** Have seen an earlier event of this chain, and may not know of more. */
  readonly behind: readonly Receipt[]
  /** Have seen more: this chain is out of date. */
  readonly ahead: readonly Receipt[]
  /** Have seen another event in the place of one here: the identity is forked. Also both receipts of one who says two things of one event. */
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
  const { newest, refused } = readAll(receipts, state.identity, keysOf(options?.keys, state, now))
  const groups: Record<'confirmed' | 'behind' | 'ahead' | 'contrary', Receipt[]> = {
    confirmed: [],
    behind: [],
    ahead: [],
    contrary: []
  }
  for (const said of newest)
    for (const receipt of said) groups[said.length > 1 ? 'contrary' : groupOf(receipt, hashes)].push(receipt)
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

/** Of each witness what it says of the newest event that it knows: one thing, or two that differ. */
function readAll(
  receipts: readonly Uint8Array[],
  identity: Uint8Array,
  keys: ReadonlySet<string>
): { newest: readonly (readonly Receipt[])[]; refused: Witnesses['refused'] } {
  const newest = new Map<string, Receipt[]>()
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
      const known = newest.get(witness) ?? []
      const highest = known[0]?.seq ?? -1
      if (receipt.seq > highest) newest.set(witness, [receipt])
      else if (receipt.seq === highest && !known.some(({ hash }) => b4a.equals(hash, receipt.hash)))
        newest.set(witness, [...known, receipt])
    } catch (error) {
      if (!(error instanceof KeyRotationError)) throw error
      refused.push({ position, code: error.code })
    }
  }
  return { newest: [...newest.values()], refused }
}

function keysOf(
  given: readonly Uint8Array[] | undefined,
  { devices }: IdentityState,
  now: number | null
): ReadonlySet<string> {
  if (given === undefined) {
    const live = devices.filter(
      ({ revoked, expires }) => revoked === null && (expires === null || now === null || now < expires)
    )
    return new Set(live.map(({ key }) => hex(key)))
  }
  if (!Array.isArray(given)) throw badArgument('`keys` must be an array')
  for (const key of given) checkKey(key, 'the key of a witness')
  return new Set(given.map(hex))
}
