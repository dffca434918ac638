// sub-encoder 2.1.3
declare module 'sub-encoder' {
  /** Keys under a prefix and a zero byte, as a codec that Hyperbee takes for one call. */
  export default class SubEncoder {
    constructor(prefix: string, encoding: 'utf-8' | 'binary')

    encode(key: string): Uint8Array
    decode(key: Uint8Array): string
  }
}
