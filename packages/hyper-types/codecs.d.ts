// codecs 3.1.0
declare module 'codecs' {
  /** Turns values into bytes and back. */
  export interface Codec<In, Out = In> {
    name?: string
    encode(value: In): Uint8Array
    decode(bytes: Uint8Array): Out
  }

  /** What compact-encoding exports; `codecs()` wraps it into a {@link Codec}. */
  export interface CompactEncoding<In, Out = In> {
    preencode(state: CompactState, value: In): void
    encode(state: CompactState, value: In): void
    decode(state: CompactState): Out
  }

  export interface CompactState {
    start: number
    end: number
    buffer: Uint8Array | null
  }

  type TextCodecName = 'utf-8' | 'utf8' | 'ascii' | 'hex' | 'base64' | 'ucs2' | 'utf16le'
  export type CodecName = 'binary' | 'json' | 'ndjson' | TextCodecName

  interface Codecs {
    /** A name it does not know gives the binary codec, silently. */
    (format: TextCodecName): Codec<string>
    (format: 'json' | 'ndjson'): Codec<unknown>
    (format?: 'binary'): Codec<Uint8Array | string, Uint8Array>
    <In, Out>(format: CompactEncoding<In, Out>): Codec<In, Out>
    <In, Out>(format: Codec<In, Out>): Codec<In, Out>
    binary: Codec<Uint8Array | string, Uint8Array>
    utf8: Codec<string>
    json: Codec<unknown>
  }

  const codecs: Codecs
  export default codecs
}
