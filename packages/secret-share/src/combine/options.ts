import { badArgument, checkKeys, isKey } from '../arguments.ts'
import { isFingerprint } from '../fingerprint.ts'
import { SetSheet } from '../format/set-sheet.ts'
import type { ShareInput } from '../verify-share.ts'

/**
 * Say as much as is known of the set that is wanted. `sheet`, `dealer` or `fingerprint` is a pin: no colluders without the dealer's key get past it. Without
 * any of them the shares decide among themselves, also those of another label or epoch: these are no pins, since anybody can copy them. Beside a pin those
 * are left out before anything is counted. A key that is not one of these, or is there with `undefined`, is refused: a misspelt pin would be none.
 */
export interface CombineOptions {
  /** Its sheet: then every share is checked by itself, and the payload is at hand. */
  sheet?: SetSheet
  /** The Ed25519 key that signed the shares, 32 bytes. */
  dealer?: Uint8Array
  /** Of that key, as `dealerFingerprint` gives it and recovery sheets show it; case, spaces and hyphens do not count. */
  fingerprint?: string
  /** 16 bytes: one set of that dealer's. Needs `dealer` or `fingerprint`, since anybody can copy it. */
  setId?: Uint8Array
  /** Which dealing, where it is not to be the newest that any of the shares is of: a refresh that never reached enough holders. */
  epoch?: number
  /** What the secret is called: shares of anything else are left out. Compared as people see it, quotes curly or not. @defaultValue any */
  label?: string | null
  /** The sealed payload, where shares do not carry it: of secrets above 32 bytes. */
  payload?: Uint8Array
  /** Sheets of whomever: the one that the shares commit to is taken for theirs, and the others are not believed. */
  sheets?: readonly SetSheet[]
}

const KEYS = ['sheet', 'dealer', 'fingerprint', 'setId', 'epoch', 'label', 'payload', 'sheets'] as const

/** Whether colluders without the dealer's key are kept out whatever they sign. */
export function isPinned({ sheet, dealer, fingerprint }: CombineOptions): boolean {
  return sheet !== undefined || dealer !== undefined || fingerprint !== undefined
}

/** Only what is known, each with a value. @throws SECRET_SHARE_BAD_ARGUMENT */
export function checkCombineKeys(options: CombineOptions): void {
  checkKeys(options, KEYS)
}

/** @throws SECRET_SHARE_BAD_ARGUMENT */
export function checkCombine(shares: readonly ShareInput[], options: CombineOptions): void {
  checkCombineKeys(options)
  const { sheet, sheets, dealer, fingerprint, setId, epoch, label, payload } = options
  if (!Array.isArray(shares)) throw badArgument('shares must be a list')
  if (sheet !== undefined && !(sheet instanceof SetSheet)) throw badArgument('sheet must be a SetSheet')
  const areSheets =
    sheets === undefined || (Array.isArray(sheets) && sheets.every((one) => one instanceof SetSheet))
  if (!areSheets) throw badArgument('sheets must be a list of SetSheets')
  if (dealer !== undefined && !isKey(dealer, 32)) throw badArgument('dealer must be 32 bytes')
  if (fingerprint !== undefined && !isFingerprint(fingerprint)) {
    throw badArgument('a fingerprint has 32 letters and digits, 0 to 9 and a to f')
  }
  if (setId !== undefined && !isKey(setId, 16)) throw badArgument('setId must be 16 bytes')
  if (setId !== undefined && dealer === undefined && fingerprint === undefined) {
    throw badArgument('setId alone is no pin, since anybody can copy it: pass dealer or fingerprint with it')
  }
  const isEpoch = epoch === undefined || (Number.isInteger(epoch) && epoch >= 0 && epoch <= 65_535)
  if (!isEpoch) throw badArgument('epoch must be a whole number from 0 to 65,535')
  if (label !== undefined && label !== null && typeof label !== 'string')
    throw badArgument('label must be text')
  if (payload !== undefined && !(payload instanceof Uint8Array)) throw badArgument('payload must be bytes')
}
