import { type RelaySession, Server } from 'blind-relay'
import b4a from 'b4a'
import type NoiseSecretStream from '@hyperswarm/secret-stream'
import type { RawStream } from 'hyperdht'
import { Duplex } from 'streamx'
import { RelayError } from '../errors.ts'
import { type ConnectionLike, type DhtLike, hostOf, type RawStreamLike } from './dht.ts'

/** What a session asks before it lets blind-relay see a message, and what it tells. Tokens are in hex. */
export interface SessionHooks {
  /** @returns whether the request goes on to blind-relay */
  onpair(token: string): boolean
  /** @returns whether it goes on */
  onunpair(token: string): boolean
  /** Both halves are there; called for one half and then at once for the other one. */
  onpaired(token: string, leg: RawStreamLike): void
  /** No more of this session: its pairings are forgotten. */
  onclose(): void
}

/** A device's channel, with our limits before it. */
export interface GuardedSession {
  /** Forgets a pairing that waits. */
  unpair(token: string): void
  close(): void
}

/**
 * blind-relay with a gate before each message, and a say in which packet may bind a leg. The only file that touches its private parts: `_pair` and `_unpair` of
 * a session, of 1.6.1. It reads nothing of what is relayed.
 */
export class BlindRelay {
  readonly #server: Server
  readonly #hosts = new WeakMap<object, string>()

  /**
   * @param dht - makes the raw streams
   * @param onstranger - called when a packet from another host than the session's tried to bind a leg
   * @throws RelayError `RELAY_UNSUPPORTED_UPSTREAM`: now, and not when the first device comes
   */
  constructor(dht: DhtLike, onstranger: () => void) {
    this.#server = new Server({
      createStream: ({ firewall }) => {
        const stream = dht.createRawStream({
          framed: true,
          firewall: (socket, port, host) => {
            if (this.#hosts.get(stream) === host) return firewall?.(socket, port, host) ?? true
            onstranger()
            return true
          }
        }) as RawStream
        return stream
      }
    })
    refuseOthers()
  }

  accept(connection: ConnectionLike, hooks: SessionHooks): GuardedSession {
    const stream = connection as unknown as NoiseSecretStream
    const host = hostOf(connection)
    const session = this.#server.accept(stream, { id: stream.remotePublicKey })
    const forget = guard(session, hooks)
    // What goes wrong with a leg ends that leg, and with it the link.
    session.on('error', () => {})
    session.on('close', () => hooks.onclose())
    session.on('pair', (_, token, leg) => {
      this.#hosts.set(leg, host)
      hooks.onpaired(hex(token), leg)
    })
    return { unpair: forget, close: () => session.destroy() }
  }
}

/** @returns what forgets a pairing that waits: blind-relay's own handler of the message that asks for it */
function guard({ _pair: pair, _unpair: unpair }: RelaySession, hooks: SessionHooks): (token: string) => void {
  if (typeof pair?.onmessage !== 'function' || typeof unpair?.onmessage !== 'function') {
    const help = 'this blind-relay has no place for limits: 1.6.1 has; install that one'
    throw new RelayError('RELAY_UNSUPPORTED_UPSTREAM', help)
  }
  const [onpair, onunpair] = [pair.onmessage, unpair.onmessage]
  Object.assign<typeof pair, typeof pair>(pair, {
    onmessage: (message) => (hooks.onpair(hex(message.token)) ? onpair(message) : undefined)
  })
  Object.assign<typeof unpair, typeof unpair>(unpair, {
    onmessage: (message) => (hooks.onunpair(hex(message.token)) ? onunpair(message) : undefined)
  })
  return (token) => onunpair({ token: b4a.from(token, 'hex') })
}

/** Looks at a session whose other end is nobody. */
function refuseOthers(): void {
  const nowhere = new Duplex({ write: (_, done) => done(null) }) as unknown as NoiseSecretStream
  const server = new Server({ createStream: () => nowhere as unknown as RawStream })
  const session = server.accept(nowhere, { id: b4a.alloc(32) })
  session.on('error', () => {})
  guard(session, { onpair: () => false, onunpair: () => false, onpaired: () => {}, onclose: () => {} })
  session.destroy()
}

function hex(token: Uint8Array): string {
  return b4a.toString(token, 'hex')
}
