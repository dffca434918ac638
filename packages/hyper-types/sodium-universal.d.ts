// sodium-universal 5.0.1
declare module 'sodium-universal' {
  /** libsodium, native or in JavaScript. Writes into what is given. Throws plain Errors for buffers of the wrong length. */
  interface Sodium {
    /** BLAKE2b of any length from 16 to 64 bytes, with or without a key. */
    crypto_generichash(output: Uint8Array, input: Uint8Array, key?: Uint8Array): void
    /** XSalsa20-Poly1305: `cipher` has 16 bytes more than `message`. */
    crypto_secretbox_easy(cipher: Uint8Array, message: Uint8Array, nonce: Uint8Array, key: Uint8Array): void
    /** False when the key is another, or a bit was changed. */
    crypto_secretbox_open_easy(
      message: Uint8Array,
      cipher: Uint8Array,
      nonce: Uint8Array,
      key: Uint8Array
    ): boolean
  }

  const sodium: Sodium
  export default sodium
}
