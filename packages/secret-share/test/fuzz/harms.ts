import { utf8 } from '@scure/base'
import type { SeededRandom } from '@cloudpal/test-kit'
import { shareToText, type KeyPair, type Share, type ShareInput } from '../../src/index.ts'
import { resign } from '../sets.ts'
import { hash } from '../../src/crypto/crypto.ts'

/** A set to recover, and what an attacker may have besides. */
export interface World {
  readonly secret: Uint8Array
  readonly shares: readonly Share[]
  readonly threshold: number
  readonly dealer: KeyPair
  /** Of the same dealer, about something else. */
  readonly otherSet: readonly Share[]
  /** Of the same set, from another time. */
  readonly otherEpoch: readonly Share[]
  /** Of somebody else, who copied all that is public. */
  readonly stranger: readonly Share[]
  readonly thief: KeyPair
  /** Whether the set is of a later time than `otherEpoch`. */
  readonly newest: boolean
}

/** What happened to one share: what is given instead, and the codes that name it rightly. */
interface Harm {
  input: ShareInput
  codes: readonly string[]
}

type Spoil = (share: Share, world: World, random: SeededRandom) => Harm

const flip = (bytes: Uint8Array, bit: number): Uint8Array =>
  bytes.map((byte, i) => (i === bit >> 3 ? byte ^ (1 << (bit & 7)) : byte))

/** A checksum that is right, so that what is below it gets looked at. */
const sealed = (bytes: Uint8Array): Uint8Array =>
  Uint8Array.from([...bytes.slice(0, -4), ...hash('checksum', [bytes.slice(0, -4)]).slice(0, 4)])

const at = (list: readonly Share[], share: Share): Share => list[(share.index - 1) % list.length] as Share

const UNREADABLE = ['DAMAGED', 'NEWER_FORMAT', 'NOT_A_SHARE']

/** Every way to spoil a share that a holder, a thief or an accident has. */
export const harms: Record<string, Spoil> = {
  flippedBit: (share, _, random) => {
    const bytes = share.toBytes()
    return { input: flip(bytes, random.integer(0, bytes.length * 8 - 1)), codes: ['DAMAGED'] }
  },
  flippedBitChecked: (share, _, random) => {
    const bytes = share.toBytes()
    const input = sealed(flip(bytes, random.integer(0, (bytes.length - 4) * 8 - 1)))
    return { input, codes: ['FORGED', ...UNREADABLE] }
  },
  truncated: (share, _, random) => {
    const bytes = share.toBytes()
    return { input: bytes.slice(0, random.integer(0, bytes.length - 1)), codes: ['DAMAGED'] }
  },
  extended: (share, _, random) => {
    const bytes = Uint8Array.from([...share.toBytes(), ...random.bytes(random.integer(1, 9))])
    return random.integer(0, 1) === 0
      ? { input: bytes, codes: ['DAMAGED'] }
      : { input: sealed(bytes), codes: ['DAMAGED'] }
  },
  noise: (_, __, random) => ({ input: random.bytes(random.integer(0, 400)), codes: ['DAMAGED'] }),
  typo: (share, _, random) => {
    const text = shareToText(share)
    const place = random.integer(8, text.length - 1)
    const letter = text[place] === 'q' ? 'p' : 'q'
    return { input: text.slice(0, place) + letter + text.slice(place + 1), codes: ['BAD_TEXT'] }
  },
  otherText: (share) => ({ input: `https://example.org/${share.index}`, codes: ['NOT_A_SHARE'] }),
  zeroIndex: (share) => zeroed(share),
  newerFormat: (share, _, random) => {
    const bytes = Uint8Array.from(share.toBytes())
    bytes[0] = random.integer(2, 255)
    return { input: sealed(bytes), codes: ['NEWER_FORMAT'] }
  },
  forgedValue: (share, { thief }, random) => ({
    input: resign(share, { value: random.bytes(32) }, thief.secretKey),
    codes: ['FORGED']
  }),
  otherSet: (share, { otherSet }) => ({ input: at(otherSet, share), codes: ['OTHER_SET'] }),
  /** With the true dealer's key, of which nobody but the sheet can tell that it is in other hands. */
  stolenKey: (share, { dealer }, random) => ({
    input: resign(share, { value: random.bytes(32) }, dealer.secretKey),
    codes: ['INCONSISTENT', 'FORGED']
  }),
  otherEpoch: (share, { otherEpoch }) => ({ input: at(otherEpoch, share), codes: ['OTHER_EPOCH'] }),
  stranger: (share, { stranger }) => ({ input: at(stranger, share), codes: ['OTHER_DEALER'] })
}

/** Number 0, at whose place the key itself is: the thief's choice, were it believed. */
function zeroed(share: Share): Harm {
  const bytes = Uint8Array.from(share.toBytes())
  const place = 2 + 22 + utf8.decode(share.header.label).length + 64 + 32
  bytes[place] = 0
  return { input: sealed(bytes), codes: ['DAMAGED'] }
}
