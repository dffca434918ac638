// z32 1.1.0
declare module 'z32' {
  interface Z32 {
    encode(bytes: Uint8Array | string): string
    /** @throws plain Error on a character outside the alphabet */
    decode(text: string): Uint8Array
    ALPHABET: string
  }

  const z32: Z32
  export default z32
}
