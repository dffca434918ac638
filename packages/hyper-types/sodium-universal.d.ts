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
    /** SHA-512, 64 bytes. */
    crypto_hash_sha512(output: Uint8Array, input: Uint8Array): void
    /** BLAKE2b of parts, as if they were one. */
    crypto_generichash_batch(output: Uint8Array, inputs: Uint8Array[], key?: Uint8Array): void
    /** Poly1305: 16 bytes, by a key of 32 that is used once. */
    crypto_onetimeauth(output: Uint8Array, message: Uint8Array, key: Uint8Array): void
    /** ChaCha20-Poly1305 of RFC 8439: `cipher` has 16 bytes more than `message`, `nonce` has 12. */
    crypto_aead_chacha20poly1305_ietf_encrypt(
      cipher: Uint8Array,
      message: Uint8Array,
      additional: Uint8Array | null,
      secretNonce: null,
      nonce: Uint8Array,
      key: Uint8Array
    ): number
    /** Throws when the key is another, or a bit was changed. */
    crypto_aead_chacha20poly1305_ietf_decrypt(
      message: Uint8Array,
      secretNonce: null,
      cipher: Uint8Array,
      additional: Uint8Array | null,
      nonce: Uint8Array,
      key: Uint8Array
    ): number
    /** Ed25519. A secret key has 64 bytes: the seed, then the public key. */
    crypto_sign_seed_keypair(publicKey: Uint8Array, secretKey: Uint8Array, seed: Uint8Array): void
    crypto_sign_detached(signature: Uint8Array, message: Uint8Array, secretKey: Uint8Array): void
    crypto_sign_verify_detached(signature: Uint8Array, message: Uint8Array, publicKey: Uint8Array): boolean
    /** X25519, all of 32 bytes. */
    crypto_box_seed_keypair(publicKey: Uint8Array, secretKey: Uint8Array, seed: Uint8Array): void
    /** X25519. Natively it throws where all secret keys give zeros. */
    crypto_scalarmult(output: Uint8Array, secretKey: Uint8Array, publicKey: Uint8Array): void
    /** `cipher` has 48 bytes more than `message`. */
    crypto_box_seal(cipher: Uint8Array, message: Uint8Array, publicKey: Uint8Array): void
    /** False when it was sealed to another key, or a bit was changed. */
    crypto_box_seal_open(
      message: Uint8Array,
      cipher: Uint8Array,
      publicKey: Uint8Array,
      secretKey: Uint8Array
    ): boolean
    /** Of the same length, in a time that does not depend on the bytes. */
    sodium_memcmp(a: Uint8Array, b: Uint8Array): boolean
    sodium_memzero(buffer: Uint8Array): void
    randombytes_buf(buffer: Uint8Array): void
  }

  const sodium: Sodium
  export default sodium
}
