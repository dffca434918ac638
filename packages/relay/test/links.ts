import { connect } from 'node:net'
import type { KeyPair } from 'hypercore-crypto'
import { testCleanup } from '@cloudpal/test-kit'
import { RelayLink, type RelayLinkEvents } from '../src/paths/relay-link.ts'
import type { Refusal } from '../src/protocol/refusal.ts'
import type { RelayAddress } from '../src/index.ts'
import { TcpWire } from '../src/wires/tcp-wire.ts'

/** A link to a relay that does nothing by itself, and what has happened to it. */
export interface TestLink {
  readonly link: RelayLink
  readonly wire: TcpWire
  readonly seen: string[]
  /** Replicas that are said to be missing. */
  readonly missing: Uint8Array[]
  refusal: Refusal | null
  /** What is to be done with records that were looked up. */
  onfound: (target: Uint8Array, record: Uint8Array) => void
  /** Code of what it ended with; `null` while it lives. */
  ended: string | null
}

/** Greets a relay as this device, and then does what `onwelcome` says. */
export function greet(
  { publicKey: relay, tcp }: RelayAddress,
  keyPair: KeyPair,
  onwelcome: (link: RelayLink) => void,
  grant: Uint8Array | null = null
): TestLink {
  const wire = new TcpWire(connect(tcp?.port ?? 0, '127.0.0.1'))
  const test: { -readonly [K in keyof TestLink]: TestLink[K] } = {
    link: null as unknown as RelayLink,
    wire,
    seen: [],
    missing: [],
    refusal: null,
    onfound: () => {},
    ended: null
  }
  const note = (what: string) => () => void test.seen.push(what)
  const events: RelayLinkEvents = {
    onwelcome: () => {
      test.seen.push('welcome')
      onwelcome(test.link)
    },
    onregistered: note('registered'),
    onpong: note('pong'),
    ondraining: note('draining'),
    onincoming: note('incoming'),
    onopened: note('opened'),
    onmissing: ({ replica }) => test.missing.push(replica),
    onfound: (target, record) => test.onfound(target, record),
    onclose: (error, refusal) => {
      test.ended = error.code
      test.refusal = refusal
    }
  }
  test.link = new RelayLink(wire, { keyPair, relay, grant }, events)
  testCleanup().defer('stream', () => wire.destroy())
  return test
}

/** The same, and then a path: what came on it, and how it ended. */
export function asPath({ link }: TestLink): { readonly messages: Uint8Array[]; ended: string | null } {
  const path = { messages: [] as Uint8Array[], ended: null as string | null }
  link.start({
    onmessage: (message) => path.messages.push(message),
    ondrain: () => {},
    onclose: (error) => {
      path.ended = (error as { code?: string } | null)?.code ?? 'closed'
    }
  })
  return path
}
