import type { SetSheet } from './format/set-sheet.ts'
import type { Share } from './format/share.ts'
import type { Holder } from './types.ts'

/** A share and whom it is for. */
export interface HeldShare {
  readonly holder: Holder
  readonly share: Share
}

/** What a person should hear before the shares are handed out. */
export interface SetWarning {
  readonly code: 'ALL_NEEDED'
  readonly message: string
}

/**
 * What `split` made, and tried out. Nothing of it opens the secret but `threshold` shares together; keep none of them
 * once they are with their holders.
 */
export class SecretSet {
  /** Public: for the owner's other devices and for every holder. */
  readonly sheet: SetSheet
  /** In the order of the holders given; the number of the first is 1. */
  readonly shares: readonly HeldShare[]

  constructor(sheet: SetSheet, shares: readonly HeldShare[]) {
    this.sheet = sheet
    this.shares = shares
  }

  get warnings(): readonly SetWarning[] {
    const { threshold, holders } = this.sheet.header
    if (threshold < holders) return []
    const message = 'Every single share is needed: if one friend loses theirs, the secret is gone.'
    return [{ code: 'ALL_NEEDED', message }]
  }
}
