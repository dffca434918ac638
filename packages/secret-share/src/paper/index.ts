import { hex } from '@scure/base'
import { badArgument, checkKeys, checkOptions } from '../arguments.ts'
import { hash } from '../crypto/crypto.ts'
import { SecretShareError, type ShareFault } from '../errors.ts'
import { fromMnemonics, isMnemonic, toMnemonics } from './slip39-adapter.ts'

/** A group of people or places: `threshold` of its `members` lists of words are needed. */
export interface PaperGroup {
  readonly name: string
  /** 2 to `members`; 1 only of 1. */
  readonly threshold: number
  /** 1 to 16. */
  readonly members: number
}

export interface PaperOptions {
  /** 1 to 16 groups. */
  groups: readonly PaperGroup[]
  /** How many of the groups are needed. @defaultValue all */
  groupThreshold?: number
  /** Printable ASCII. @defaultValue none */
  passphrase?: string
  /** Doubles the work that guessing a passphrase takes, 0 to 15 times. @defaultValue 1 */
  iterationExponent?: number
  /** @defaultValue `SLIP-39 backup` */
  title?: string
  /** Allows that one paper alone is the secret, as a wallet's backup on a single sheet. @defaultValue false */
  onePaperIsEnough?: boolean
}

/** What goes on paper. */
export interface PaperBackup {
  /** The lists of words, by group: 20 words for 16 bytes, 33 for 32. Secret, each of them. */
  readonly groups: readonly (readonly string[])[]
  /** 8 hexadecimal digits that tell the right secret from a wrong one; for secrets that are random. Write it on every paper. */
  readonly fingerprint: string
}

/**
 * A secret as lists of English words (SLIP-39), which hardware wallets read too. **Not** the share format of this
 * package: such a list is not signed, names no set, and a wrong passphrase gives another secret without a word. So keep the fingerprint.
 *
 * Needs the package `slip39`. That asks for Node's `crypto`: elsewhere a bundler has to put `@cloudpal/secret-share/paper/crypto` in its place.
 * Its randomness is always the system's.
 *
 * @param secret 16 to 32 bytes, an even number
 * @throws SECRET_SHARE_PAPER
 */
export function toPaper(secret: Uint8Array, options: PaperOptions): PaperBackup {
  checkOptions(options)
  const { groups, passphrase = '', iterationExponent = 1, title = 'SLIP-39 backup' } = options
  if (!(secret instanceof Uint8Array)) throw badArgument('the secret must be bytes')
  if (!Array.isArray(groups) || groups.some((group) => typeof group !== 'object' || group === null)) {
    throw badArgument('groups must be a list of groups')
  }
  checkPassphrase(passphrase)
  const { groupThreshold = groups.length, onePaperIsEnough = false } = options
  const fits = secret.length >= 16 && secret.length <= 32 && secret.length % 2 === 0
  if (!fits) throw paperError('Words are for secrets of 16 to 32 bytes, an even number.')
  const counts = [groups.length, ...groups.map(({ members }) => members)]
  const thresholds = [groupThreshold, ...groups.map(({ threshold }) => threshold)]
  const wrong = counts.some((count, i) => !isCount(count, 16) || !isCount(thresholds[i], count))
  if (wrong || groups.some(({ threshold, members }) => threshold === 1 && members > 1)) {
    throw paperError(
      'There may be 16 groups of 16 papers, and one paper may do only where it is the only one.'
    )
  }
  const alone = groupThreshold === 1 && groups.some(({ threshold }) => threshold === 1)
  if (alone && !onePaperIsEnough) {
    throw paperError(
      'One of these papers alone would be the secret. Ask for two or more, or say that it is meant so.'
    )
  }
  if (!isCount(iterationExponent + 1, 16)) throw paperError('The iteration exponent is 0 to 15.')
  const list = groups.map(({ threshold, members, name }) => [threshold, members, name] as const)
  const settings = { threshold: groupThreshold, passphrase, iterationExponent, title }
  const made = attempt(() => toMnemonics([...secret], list, settings))
  return { groups: made, fingerprint: paperFingerprint(secret) }
}

export interface FromPaperOptions {
  /** @defaultValue none */
  passphrase?: string
  /** As it stands on the papers. Without it a wrong passphrase gives a wrong secret: SLIP-39 is made so. */
  fingerprint?: string
}

/**
 * Reads lists of words, of this package or of any SLIP-39 wallet. Give exactly as many as are needed.
 *
 * @throws SECRET_SHARE_PAPER with `faults` for lists with a wrong word, SECRET_SHARE_PAPER_WRONG_SECRET when the fingerprint is another
 */
export function fromPaper(mnemonics: readonly string[], options: FromPaperOptions = {}): Uint8Array {
  checkKeys(options, ['passphrase', 'fingerprint'])
  const areTexts = Array.isArray(mnemonics) && mnemonics.every((text) => typeof text === 'string')
  if (!areTexts) throw badArgument('the lists of words must be a list of texts')
  const { passphrase = '', fingerprint } = options
  checkPassphrase(passphrase)
  if (fingerprint !== undefined && typeof fingerprint !== 'string') {
    throw badArgument('a fingerprint is text: the 8 letters and digits on the papers')
  }
  const lists = mnemonics.map((text) => text.trim().toLowerCase().replaceAll(/\s+/g, ' '))
  const faults = lists.flatMap((list, position): ShareFault[] => {
    const message = 'There is a mistake in this list of words.'
    return isMnemonic(list) ? [] : [{ position, index: null, code: 'SECRET_SHARE_PAPER', message }]
  })
  if (faults.length > 0) {
    throw new SecretShareError('SECRET_SHARE_PAPER', 'Some lists of words have mistakes in them.', { faults })
  }
  const secret = attempt(() => Uint8Array.from(fromMnemonics(lists, passphrase)))
  const wanted = fingerprint?.toLowerCase().trim()
  if (wanted === undefined || wanted === paperFingerprint(secret)) return secret
  secret.fill(0)
  throw new SecretShareError(
    'SECRET_SHARE_PAPER_WRONG_SECRET',
    'This is not the secret that the papers are for: the passphrase may be wrong.'
  )
}

/** 8 hexadecimal digits of a hash of the secret. */
export function paperFingerprint(secret: Uint8Array): string {
  return hex.encode(hash('paper', [secret]).subarray(0, 4))
}

/** SLIP-39 allows printable ASCII; `slip39` takes anything, and the same for what differs. @throws SECRET_SHARE_PAPER */
function checkPassphrase(passphrase: string): void {
  if (typeof passphrase === 'string' && /^[ -~]*$/.test(passphrase)) return
  throw paperError('A passphrase may have English letters, digits, spaces and the usual signs only.')
}

function isCount(value: number | undefined, most: number): boolean {
  return value !== undefined && Number.isInteger(value) && value >= 1 && value <= most
}

function attempt<T>(run: () => T): T {
  try {
    return run()
  } catch {
    // What slip39 throws may hold a whole list of words: it goes no further.
    throw paperError('These lists of words do not go together: of each group exactly as many as are needed.')
  }
}

function paperError(words: string): SecretShareError {
  return new SecretShareError('SECRET_SHARE_PAPER', words)
}
