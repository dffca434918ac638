// hypercore-id-encoding 1.3.0
declare module 'hypercore-id-encoding' {
  interface IdEncoding {
    /** A 32-byte key as 52 characters of z-base-32. */
    encode(key: Uint8Array): string
    /** Takes z-base-32 (52), hex (64), a `pear://` link or the key itself. @throws plain Error */
    decode(id: string | Uint8Array): Uint8Array
    normalize(id: string | Uint8Array): string
    isValid(id: unknown): boolean
  }

  const id: IdEncoding
  export default id
}
