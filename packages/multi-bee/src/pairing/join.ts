import BlindPairing from 'blind-pairing'
import type { PairingResult } from 'blind-pairing'
import z32 from 'z32'
import { MultiBeeError, type MultiBeeErrorCode } from '../errors.ts'
import type { SignalLike, SwarmLike } from '../types.ts'
import { encodeCandidate, type CandidateMessage } from './candidate-message.ts'
import { checkSwarm } from './check-swarm.ts'

const REFUSALS: Record<string, [MultiBeeErrorCode, string]> = {
  PAIRING_REJECTED: ['MULTI_BEE_INVITE_REJECTED', 'the inviting person said no, or has revoked the invite'],
  INVITE_USED: ['MULTI_BEE_INVITE_USED', 'another device has used this invite; ask for a new one'],
  INVITE_EXPIRED: ['MULTI_BEE_INVITE_EXPIRED', 'the invite has expired; ask for a new one']
}

/**
 * Shows an invite to whoever made it.
 *
 * @returns the database's keys, once a member has let this device in
 * @throws MultiBeeError `MULTI_BEE_BAD_ARGUMENT`, `MULTI_BEE_BAD_INVITE`, `MULTI_BEE_INVITE_EXPIRED`, `MULTI_BEE_INVITE_USED`, `MULTI_BEE_INVITE_REJECTED`,
 * `MULTI_BEE_JOIN_ABORTED`
 */
export async function showInvite(
  code: string,
  message: CandidateMessage,
  swarm: SwarmLike,
  now: number,
  signal?: SignalLike
): Promise<PairingResult> {
  checkSwarm(swarm)
  const invite = readInvite(code)
  const { expires } = BlindPairing.decodeInvite(invite)
  if (expires !== 0 && now > expires) throw refusal('INVITE_EXPIRED')
  const pairing = new BlindPairing(swarm as never)
  try {
    return await new Promise<PairingResult>((resolve, reject) => {
      const abort = (): void => reject(new MultiBeeError('MULTI_BEE_JOIN_ABORTED', 'joining was cancelled'))
      if (signal?.aborted) return abort()
      signal?.addEventListener('abort', abort)
      const candidate = pairing.addCandidate({ invite, userData: encodeCandidate(message), onadd: resolve })
      candidate.request.on('rejected', (error) => {
        // Without a code it is an answer that does not decrypt: somebody else's, or noise.
        if (error.code !== undefined) reject(refusal(error.code))
      })
    })
  } finally {
    await pairing.close()
  }
}

/** Whether a code can be an invite at all. */
function readInvite(code: string): Uint8Array {
  try {
    const invite = z32.decode(code.trim())
    BlindPairing.decodeInvite(invite)
    return invite
  } catch (cause) {
    throw new MultiBeeError('MULTI_BEE_BAD_INVITE', 'this is not an invite, or not all of it', { cause })
  }
}

function refusal(reason: string): MultiBeeError {
  const [code, message] = REFUSALS[reason] ?? ['MULTI_BEE_INVITE_REJECTED', reason]
  return new MultiBeeError(code, message)
}
