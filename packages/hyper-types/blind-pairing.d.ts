// blind-pairing 2.3.1 (on blind-pairing-core 2.10.1)
declare module 'blind-pairing' {
  import type Hyperswarm from 'hyperswarm'

  export interface InviteOptions {
    discoveryKey?: Uint8Array
    /** Milliseconds since 1970, kept to the second; 0 never. Nothing enforces it: the member must check. */
    expires?: number
    seed?: Uint8Array
    sensitive?: boolean
    /** Signed with the invite's key; pass `additional` on to `confirm`. */
    data?: Uint8Array
  }

  export interface CreatedInvite {
    id: Uint8Array
    /** What the candidate gets. */
    invite: Uint8Array
    seed: Uint8Array
    /** What the member keeps, to open requests with. */
    publicKey: Uint8Array
    additional: SignedData | null
    discoveryKey: Uint8Array
    expires: number
    sensitive: boolean
  }

  export interface SignedData {
    data: Uint8Array
    signature: Uint8Array
  }

  export interface DecodedInvite {
    id: Uint8Array
    seed: Uint8Array
    discoveryKey: Uint8Array | null
    expires: number
    sensitive: boolean
  }

  /** What the candidate ends up with. */
  export interface PairingResult {
    key: Uint8Array
    encryptionKey: Uint8Array | null
    data: Uint8Array | null
  }

  export interface PairingGrantOptions {
    key: Uint8Array
    encryptionKey?: Uint8Array
    additional?: SignedData
  }

  /** A request as the member sees it. Null until `open()`, except `inviteId` and `discoveryKey`. */
  export interface MemberRequest {
    readonly inviteId: Uint8Array
    readonly discoveryKey: Uint8Array | null
    readonly publicKey: Uint8Array | null
    readonly userData: Uint8Array | null
    readonly session: Uint8Array | null
    readonly id: Uint8Array | null
    readonly receipt: Uint8Array | null
    /** Decrypts with the invite's public key. @throws plain Error when it is another invite's request */
    open(publicKey: Uint8Array): Uint8Array
    /** Does nothing, silently, before `open()` and after `confirm` or `deny`. */
    confirm(grant: PairingGrantOptions): void
    /** 1 rejected, 2 used, 3 expired. Needs `open()` first. */
    deny(options?: { status?: 1 | 2 | 3 }): void
  }

  export interface CandidateRequestEvents {
    accepted: [result: PairingResult]
    /** Also for a reply that cannot be decrypted; `code` is missing then. */
    rejected: [error: Error & { code?: 'PAIRING_REJECTED' | 'INVITE_USED' | 'INVITE_EXPIRED' }]
    destroyed: []
  }

  export interface CandidateRequest {
    readonly discoveryKey: Uint8Array
    readonly inviteId: Uint8Array
    readonly userData: Uint8Array
    readonly id: Uint8Array
    readonly auth: PairingResult | null
    on<E extends keyof CandidateRequestEvents>(
      event: E,
      fn: (...args: CandidateRequestEvents[E]) => void
    ): this
    once<E extends keyof CandidateRequestEvents>(
      event: E,
      fn: (...args: CandidateRequestEvents[E]) => void
    ): this
    off<E extends keyof CandidateRequestEvents>(
      event: E,
      fn: (...args: CandidateRequestEvents[E]) => void
    ): this
  }

  export interface MemberOptions {
    discoveryKey: Uint8Array
    /** False answers only peers already connected. */
    announce?: boolean
    /** The request is answered when this is done; one that throws is dropped. */
    onadd: (request: MemberRequest) => unknown
  }

  export interface CandidateOptions {
    invite: Uint8Array
    userData: Uint8Array
    discoveryKey?: Uint8Array
    onadd?: (result: PairingResult) => unknown
  }

  export interface Member {
    readonly discoveryKey: Uint8Array
    ready(): Promise<void>
    announce(): Promise<void>
    flushed(): Promise<unknown>
    close(): Promise<void>
  }

  export interface Candidate {
    readonly request: CandidateRequest
    /** The result once paired, before that `null`. */
    readonly paired: PairingResult | null
    /** Resolves with the result, or `null` when closed first. Null before it is ready. */
    readonly pairing: Promise<PairingResult | null> | null
    ready(): Promise<void>
    close(): Promise<void>
  }

  export interface BlindPairingOptions {
    /** Milliseconds between polls of the DHT. @defaultValue 7 minutes */
    poll?: number
  }

  /** Borrows its swarm. */
  export default class BlindPairing {
    constructor(swarm: Hyperswarm, options?: BlindPairingOptions)

    static createInvite(key: Uint8Array, options?: InviteOptions): CreatedInvite
    /** @throws plain Error */
    static decodeInvite(invite: Uint8Array): DecodedInvite
    /** The user data, or `null` when the signature is wrong. */
    static verifyReceipt(receipt: Uint8Array, publicKey: Uint8Array): Uint8Array | null
    static createRequest(invite: Uint8Array, userData: Uint8Array): CandidateRequest

    readonly swarm: Hyperswarm
    readonly suspended: boolean
    readonly closing: Promise<void> | null

    ready(): Promise<void>
    close(): Promise<void>
    /** @throws plain Error when the discovery key has a member already */
    addMember(options: MemberOptions): Member
    addCandidate(options: CandidateOptions): Candidate
    addCandidate(
      request: CandidateRequest,
      options?: Omit<CandidateOptions, 'invite' | 'userData'>
    ): Candidate
    suspend(): Promise<void>
    resume(): void
  }
}
