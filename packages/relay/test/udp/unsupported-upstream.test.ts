import { expect, test, vi } from 'vitest'
import { RelayServer } from '../../src/server/index.ts'
import type { DhtLike } from '../../src/udp/dht.ts'
import { keyPair } from '../replicas/records.ts'

vi.mock(import('blind-relay'), async (original) => {
  const { Server, ...others } = await original()
  // As a later one may be: the messages of a session are where nobody else gets at them.
  class Later extends Server {
    override accept(...words: Parameters<InstanceType<typeof Server>['accept']>): never {
      const session = super.accept(...words)
      Object.assign(session, { _pair: undefined, _unpair: undefined })
      return session as never
    }
  }
  return { ...others, Server: Later }
})

test('a blind-relay with no place for limits is refused when the relay is made, and not when a device comes', () => {
  const dht = { createServer: () => ({}), createRawStream: () => ({}) } as unknown as DhtLike
  expect(() => new RelayServer({ keyPair: keyPair(1), dht })).toThrow(/^RELAY_UNSUPPORTED_UPSTREAM/)
})
