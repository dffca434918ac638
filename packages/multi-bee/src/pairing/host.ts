import b4a from 'b4a'
import BlindPairing from 'blind-pairing'
import type { Member, MemberRequest } from 'blind-pairing'
import z32 from 'z32'
import { MultiBeeError } from '../errors.ts'
import type { SwarmLike } from '../types.ts'
import { decodeCandidate } from './candidate-message.ts'
import { checkSwarm } from './check-swarm.ts'

/** Answers of blind-pairing-core (index.js, `CandidateRequest._openResponse`). */
const STATUS_REJECTED = 1
const STATUS_USED = 2
const STATUS_EXPIRED = 3

/** A device that holds an invite and asks to become a writer. */
export interface Candidate {
  /** 32-byte key of its op log. */
  key: Uint8Array
  /** The name it gives itself. */
  name: string
}

export interface InviteOptions {
  /** The network the invited device is met on. */
  swarm: SwarmLike
  /** Wall time in ms after which it is refused; 0 is never. @defaultValue an hour from now */
  expires?: number
  /** Asked for every device that shows the invite; whoever holds the invite can ask. @defaultValue everyone is let in */
  confirm?: (candidate: Candidate) => boolean | Promise<boolean>
}

/** An invitation for one device. Valid while the database is open, until used, expired or revoked. */
export interface Invite {
  /** What the other device needs, in z-base-32: about 110 characters, fits a QR code. It is a secret. */
  readonly code: string
  readonly expires: number
  /** No device that shows it is let in from now on. */
  revoke(): void
  /** Resolves when it can be found on the network. */
  announced(): Promise<void>
  /** The same as `code`. */
  toString(): string
}

/** What pairing asks of the database. */
export interface PairingHost {
  key: Uint8Array
  discoveryKey: Uint8Array
  encryptionKey: Uint8Array | null
  now(): number
  /** Resolves once the candidate is a writer. */
  admit(candidate: Candidate): Promise<void>
}

interface OpenInvite {
  publicKey: Uint8Array
  expires: number
  confirm: NonNullable<InviteOptions['confirm']>
  isRevoked: boolean
  /** Who used it: its answer may have got lost, so it may ask again. */
  usedBy: Uint8Array | null
}

/** The inviting side of pairing, on blind-pairing: one member per swarm, any number of invites. Borrows the swarms. */
export class PairingDesk {
  readonly #host: PairingHost
  readonly #invites = new Map<string, OpenInvite>()
  readonly #members = new Map<SwarmLike, { pairing: BlindPairing; member: Member }>()

  constructor(host: PairingHost) {
    this.#host = host
  }

  /** @throws MultiBeeError `MULTI_BEE_BAD_ARGUMENT` */
  invite(options: InviteOptions): Invite {
    const { swarm, expires = this.#host.now() + 3_600_000, confirm = () => true } = options ?? {}
    checkSwarm(swarm)
    if (typeof confirm !== 'function')
      throw new MultiBeeError('MULTI_BEE_BAD_ARGUMENT', '`confirm` is a function')
    if (!Number.isSafeInteger(expires) || expires < 0) {
      throw new MultiBeeError('MULTI_BEE_BAD_ARGUMENT', '`expires` is a wall time in ms, or 0 for never')
    }
    const { invite, publicKey, id } = BlindPairing.createInvite(this.#host.key, { expires })
    const open: OpenInvite = { publicKey, expires, confirm, isRevoked: false, usedBy: null }
    this.#invites.set(b4a.toString(id, 'hex'), open)
    const { member } = this.#meetOn(swarm)
    const code = z32.encode(invite)
    return {
      code,
      expires,
      revoke: () => {
        open.isRevoked = true
      },
      announced: async () => {
        await member.flushed()
      },
      toString: () => code
    }
  }

  async close(): Promise<void> {
    for (const { pairing } of this.#members.values()) await pairing.close()
    this.#members.clear()
  }

  #meetOn(swarm: SwarmLike): { pairing: BlindPairing; member: Member } {
    const known = this.#members.get(swarm)
    if (known !== undefined) return known
    const pairing = new BlindPairing(swarm as never)
    const member = pairing.addMember({
      discoveryKey: this.#host.discoveryKey,
      onadd: (request) => this.#answer(request)
    })
    this.#members.set(swarm, { pairing, member })
    return { pairing, member }
  }

  async #answer(request: MemberRequest): Promise<void> {
    const invite = this.#invites.get(b4a.toString(request.inviteId, 'hex'))
    if (invite === undefined) return
    const message = decodeCandidate(request.open(invite.publicKey))
    const candidate = message === null ? null : { key: message.writer, name: message.name }
    const status = candidate === null ? STATUS_REJECTED : await this.#decide(invite, candidate)
    if (status !== 0 || candidate === null) {
      request.deny({ status: status as 1 | 2 | 3 })
      return
    }
    try {
      await this.#host.admit(candidate)
    } catch {
      // This device may have been removed while it was asked: the other one hears a no, and the invite is as before.
      invite.usedBy = null
      request.deny({ status: STATUS_REJECTED })
      return
    }
    const { key, encryptionKey } = this.#host
    request.confirm(encryptionKey === null ? { key } : { key, encryptionKey })
  }

  /** @returns 0 to let it in */
  async #decide(invite: OpenInvite, candidate: Candidate): Promise<number> {
    // The answer did not reach it the first time.
    if (invite.usedBy !== null && b4a.equals(invite.usedBy, candidate.key)) return 0
    const refusal = this.#refusal(invite)
    if (refusal !== 0) return refusal
    if (!(await isConfirmed(invite, candidate))) return STATUS_REJECTED
    // Another device may have used it, or the person revoked it, while they were asked.
    const late = this.#refusal(invite)
    if (late === 0) invite.usedBy = candidate.key
    return late
  }

  #refusal({ isRevoked, usedBy, expires }: OpenInvite): number {
    if (usedBy !== null) return STATUS_USED
    if (isRevoked) return STATUS_REJECTED
    return expires !== 0 && this.#host.now() > expires ? STATUS_EXPIRED : 0
  }
}

/** A callback that fails has not said yes. */
async function isConfirmed({ confirm }: OpenInvite, candidate: Candidate): Promise<boolean> {
  try {
    return await confirm(candidate)
  } catch {
    return false
  }
}
