import Protomux from 'protomux'
import { checkOptions } from '../arguments.ts'
import { SecretShareError } from '../errors.ts'
import type { Party } from '../recovery/party.ts'

const PROTOCOL = 'cloudpal/secret-share/recovery/1'

/** A connection that Protomux runs on, as Hyperswarm gives it, or its Protomux. */
export interface ConnectionLike {
  destroy(error?: Error): void
}

/** Either side of a meeting: a `RecoveryAsk` or a `RecoveryHelp`. */
export interface PartyLike extends Party {
  /** Only the new device's side begins. */
  hello?(): Uint8Array
}

export interface MeetOptions {
  /** After every message that was taken: a request, the code or the share may be there. */
  onprogress?: () => void
  /**
   * The meeting is over by a fault of the other side's, with a SecretShareError; or one of the other callbacks has thrown this, and the meeting goes on. The
   * connection stays in either case. What it throws itself is lost.
   */
  onerror?: (error: unknown) => void
  /** This channel is closed, by whichever side. With the same party `meet` goes on over the next connection, and sends again what may be lost. */
  onclose?: () => void
}

/** A meeting that goes on over a connection; it does not own that. */
export interface Meeting {
  /**
   * Sends what `begin`, `approve` or `refuse` returned.
   *
   * @throws SECRET_SHARE_NOT_CONNECTED when the channel is closed: the party keeps the message, and sends it when it is met again
   */
  send(message: Uint8Array): void
  close(): void
}

/**
 * Carries one meeting over a Protomux channel. Both sides call it, in any order; after a cut with the same parties, over the next connection.
 *
 * @returns `null` when this connection has such a channel already
 */
export function meet(
  connection: ConnectionLike,
  party: PartyLike,
  options: MeetOptions = {}
): Meeting | null {
  checkOptions(options)
  const mux = Protomux.from(connection as Parameters<typeof Protomux.from>[0])
  let closed = false
  const report = (error: unknown): void => {
    try {
      options.onerror?.(error)
    } catch {
      // There is nobody left to tell.
    }
  }
  // What is thrown out of a handler of Protomux ends the whole connection, with everything else that runs on it.
  const guard = (callback: (() => void) | undefined): void => {
    try {
      callback?.()
    } catch (error) {
      report(error)
    }
  }
  const channel = mux.createChannel<undefined>({
    protocol: PROTOCOL,
    unique: true,
    onopen: () => {
      if (party.hello) message.send(party.hello())
    },
    onclose: () => {
      closed = true
      guard(options.onclose)
    }
  })
  if (channel === null) return null
  const message = channel.addMessage<Uint8Array>({
    encoding: RAW,
    onmessage: (bytes) => {
      try {
        const reply = party.receive(bytes)
        if (reply !== null) message.send(reply)
      } catch (error) {
        channel.close()
        report(error)
        return
      }
      guard(options.onprogress)
    }
  })
  channel.open(undefined)
  return {
    send: (bytes) => {
      if (closed) throw notConnected()
      message.send(bytes)
    },
    close: () => channel.close()
  }
}

function notConnected(): SecretShareError {
  return new SecretShareError(
    'SECRET_SHARE_NOT_CONNECTED',
    'The other device is not connected now. Keep this open: it is sent when the device is back.'
  )
}

/** Where Protomux stands in a frame, as compact-encoding has it. */
interface FrameState {
  start: number
  end: number
  buffer: Uint8Array | null
}

/** All that is left of a frame: an envelope is one frame. */
const RAW = {
  preencode: (state: FrameState, bytes: Uint8Array): void => {
    state.end += bytes.length
  },
  encode: (state: FrameState, bytes: Uint8Array): void => {
    state.buffer?.set(bytes, state.start)
    state.start += bytes.length
  },
  decode: (state: FrameState): Uint8Array => {
    const bytes = new Uint8Array(state.buffer?.subarray(state.start, state.end) ?? [])
    state.start = state.end
    return bytes
  }
}
