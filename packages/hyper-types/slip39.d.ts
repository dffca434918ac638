// slip39 0.1.9
declare module 'slip39' {
  export interface Slip39Node {
    readonly mnemonics: string[]
  }

  export default class Slip39 {
    /** @throws plain Errors */
    static fromArray(
      masterSecret: readonly number[],
      options: {
        passphrase: string
        threshold: number
        groups: readonly (readonly [threshold: number, members: number, name: string])[]
        iterationExponent: number
        extendableBackupFlag: 0 | 1
        title: string
      }
    ): Slip39
    static recoverSecret(mnemonics: readonly string[], passphrase: string): number[]
    static validateMnemonic(mnemonic: string): boolean
    /** `r/0` is the first group. */
    fromPath(path: string): Slip39Node
  }
}
