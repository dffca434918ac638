// The one file that knows slip39 (0.1.9), an implementation of https://github.com/satoshilabs/slips/blob/master/slip-0039.md
import Slip39 from 'slip39'

/** What the package leaves on every array and string of the program, seen by each `for … in`. */
const LEFT_BEHIND: readonly [object, readonly string[]][] = [
  [String.prototype, ['slip39EncodeHex']],
  [Array.prototype, ['slip39DecodeHex', 'slip39Generate', 'toHexString', 'toByteArray']]
]

for (const [prototype, names] of LEFT_BEHIND) {
  for (const name of names) {
    if (Object.hasOwn(prototype, name)) Object.defineProperty(prototype, name, { enumerable: false })
  }
}

/** A group of a SLIP-39 backup: how many of its words lists are needed, of how many. */
export type Slip39Group = readonly [threshold: number, members: number, name: string]

/** @throws plain Errors */
export function toMnemonics(
  secret: readonly number[],
  groups: readonly Slip39Group[],
  options: { threshold: number; passphrase: string; iterationExponent: number; title: string }
): string[][] {
  return withBuffer(() => {
    const slip = Slip39.fromArray(secret, { ...options, groups, extendableBackupFlag: 1 })
    return groups.map((_, group) => slip.fromPath(`r/${group}`).mnemonics)
  })
}

/** Exactly as many as are needed of each group, and of the groups. @throws plain Errors */
export function fromMnemonics(mnemonics: readonly string[], passphrase: string): readonly number[] {
  return withBuffer(() => Slip39.recoverSecret(mnemonics, passphrase))
}

/** Words and checksum, of one alone. */
export function isMnemonic(mnemonic: string): boolean {
  return Slip39.validateMnemonic(mnemonic)
}

/** It makes Buffers of lists of numbers, and browsers have none: for as long as a call takes, which nothing interrupts, there is one. */
function withBuffer<T>(run: () => T): T {
  const everywhere = globalThis as { Buffer?: unknown }
  if (everywhere.Buffer !== undefined) return run()
  everywhere.Buffer = { from: (list: readonly number[]) => Uint8Array.from(list) }
  try {
    return run()
  } finally {
    delete everywhere.Buffer
  }
}
