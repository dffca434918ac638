import { hex } from '@scure/base'
import { concat } from '../bytes.ts'
import { SecretShareError, type SecretShareErrorCode, type ShareFault } from '../errors.ts'
import { hasFingerprint } from '../fingerprint.ts'
import { checkSignature, groupOf, type Share } from '../format/share.ts'
import { sameName } from '../name-key.ts'
import type { SetHeader } from '../types.ts'
import {
  checkAgainst,
  checkOrigin,
  otherDealer,
  otherEpoch,
  otherLabel,
  readShare,
  type ShareInput
} from '../verify-share.ts'
import { isPinned, type CombineOptions } from './options.ts'

/** A share that was given, and is what it says to be. */
export interface Candidate {
  readonly position: number
  readonly share: Share
  /** The same text for all shares of one set and epoch. */
  readonly group: string
  /** The same text for all epochs of one set. */
  readonly line: string
  /** Why it is not wanted though nothing is wrong with it: another label or epoch than was asked for. It is not taken, but its vote counts. */
  readonly unwanted: SecretShareError | null
}

/** Reads and checks each share by itself; those that are no good go to `faults`. */
export function examine(
  inputs: readonly ShareInput[],
  wanted: CombineOptions,
  faults: ShareFault[]
): Candidate[] {
  const candidates: Candidate[] = []
  for (const [position, input] of inputs.entries()) {
    let share: Share | null = null
    try {
      share = readShare(input)
      checkSignature(share)
      const { header } = share
      checkPin(header, wanted)
      if (wanted.sheet) checkAgainst(share, wanted.sheet)
      const unwanted = unwantedFor(header, wanted)
      if (unwanted !== null && isPinned(wanted)) throw unwanted
      const line = hex.encode(concat([header.dealer, header.setId]))
      candidates.push({ position, share, group: hex.encode(groupOf(share)), line, unwanted })
    } catch (error) {
      if (!(error instanceof SecretShareError)) throw error
      faults.push({ position, index: share?.index ?? null, code: error.code, message: error.words })
    }
  }
  return candidates
}

function checkPin(header: SetHeader, { dealer, setId, fingerprint }: CombineOptions): void {
  checkOrigin(header, { dealer })
  if (fingerprint !== undefined && !hasFingerprint(header.dealer, fingerprint)) throw otherDealer()
  checkOrigin(header, { setId })
}

function unwantedFor(header: SetHeader, { epoch, label }: CombineOptions): SecretShareError | null {
  if (epoch !== undefined && header.epoch !== epoch) return otherEpoch()
  return label === undefined || label === null || sameName(label, header.label)
    ? null
    : otherLabel(header.label, label)
}

/** Says what is wrong with a share that was good until then. */
export function faultOf(
  { position, share }: Candidate,
  code: SecretShareErrorCode,
  message: string
): ShareFault {
  return { position, index: share.index, code, message }
}

/** In the order given. */
export function inOrder(faults: readonly ShareFault[]): ShareFault[] {
  return faults.toSorted((a, b) => a.position - b.position)
}
