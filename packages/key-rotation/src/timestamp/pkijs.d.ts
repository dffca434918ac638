// pkijs 4.0.0, as far as it is used: its own types need those of a browser. timestamp.test.ts runs all of it.
import type { BitString, Integer, OctetString } from 'asn1js'

interface Encodable {
  toSchema(encodeFlag?: boolean): { toBER(): ArrayBuffer }
}

export class AlgorithmIdentifier {
  constructor(parameters: { algorithmId: string })
  readonly algorithmId: string
}

export class MessageImprint {
  constructor(parameters: { hashAlgorithm: AlgorithmIdentifier; hashedMessage: OctetString })
  readonly hashAlgorithm: AlgorithmIdentifier
  readonly hashedMessage: OctetString
}

export class TimeStampReq implements Encodable {
  constructor(parameters: {
    version: number
    messageImprint: MessageImprint
    nonce: Integer
    certReq: boolean
  })
  toSchema(): { toBER(): ArrayBuffer }
}

export class TimeStampResp {
  static fromBER(bytes: Uint8Array): TimeStampResp
  readonly status: {
    readonly status: number
    readonly statusStrings?: readonly { readonly valueBlock: { readonly value: string } }[]
    readonly failInfo?: BitString
  }
  readonly timeStampToken?: { readonly contentType: string; readonly content: unknown }
}

export class TSTInfo {
  static fromBER(bytes: ArrayBuffer): TSTInfo
  readonly version: number
  readonly policy: string
  readonly messageImprint: MessageImprint
  readonly serialNumber: Integer
  readonly genTime: Date
  readonly accuracy?: { readonly seconds?: number; readonly millis?: number; readonly micros?: number }
  readonly nonce?: Integer
}

/** Some ASN.1 value, of what form nobody has said. */
export interface Asn1Value {
  readonly valueBlock: {
    readonly value?: unknown
    readonly valueHexView?: Uint8Array
    /** Of an object identifier, its numbers with dots between. */
    toString(): string
  }
}

export class Certificate implements Encodable {
  static fromBER(bytes: Uint8Array): Certificate
  readonly extensions?: readonly {
    readonly extnID: string
    readonly critical: boolean
    readonly parsedValue?: unknown
  }[]
  readonly signatureAlgorithm: AlgorithmIdentifier
  toSchema(encodeFlag?: boolean): { toBER(): ArrayBuffer }
}

/** Who may have signed a certificate; their signatures are right. */
export type FindIssuer = (
  certificate: Certificate,
  engine: { readonly defaultFindIssuer: FindIssuer },
  crypto: unknown
) => Promise<readonly Certificate[]>

export class SignedData {
  constructor(parameters: { schema: unknown })
  readonly encapContentInfo: {
    readonly eContentType: string
    readonly eContent?: { getValue(): ArrayBuffer }
  }
  readonly certificates?: readonly unknown[]
  readonly crls?: readonly unknown[]
  readonly signerInfos: readonly {
    readonly digestAlgorithm: AlgorithmIdentifier
    readonly signatureAlgorithm: AlgorithmIdentifier
    readonly signedAttrs?: {
      readonly attributes: readonly { readonly type: string; readonly values: readonly unknown[] }[]
    }
  }[]
  verify(parameters: {
    signer: number
    data: ArrayBuffer
    trustedCerts: readonly Certificate[]
    checkChain: boolean
    findIssuer: FindIssuer
    extendedMode: true
  }): Promise<{ signatureVerified?: boolean | null; signerCertificate?: Certificate | null }>
}

export function getCrypto(safety: true): {
  digest(algorithm: string, data: Uint8Array): Promise<ArrayBuffer>
  /** Its name; empty for one that is not known. */
  getHashAlgorithm(signatureAlgorithm: AlgorithmIdentifier): string
}
