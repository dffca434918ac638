import type { IncomingMessage } from 'node:http'
import crypto from 'hypercore-crypto'
import { testCleanup, until } from '@cloudpal/test-kit'
import { expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { Proxies } from '../src/server/proxies.ts'
import { startRelay } from './relays.ts'

/** A WebSocket that says nothing, of somebody for whom a proxy speaks. */
function silent(url: string, forwardedFor: string): { socket: WebSocket; closed: boolean } {
  const socket = new WebSocket(url, { headers: { 'x-forwarded-for': forwardedFor } })
  testCleanup().defer('stream', () => socket.terminate())
  const state = { socket, closed: false }
  socket.on('error', () => {}).on('close', () => (state.closed = true))
  return state
}

function request(remoteAddress: string, forwardedFor?: string): IncomingMessage {
  const headers = forwardedFor === undefined ? {} : { 'x-forwarded-for': forwardedFor }
  return { socket: { remoteAddress }, headers } as unknown as IncomingMessage
}

test('behind a trusted proxy the limit of strangers by address is that of each, and not the proxy’s', async () => {
  const ws = { host: '127.0.0.1', trustProxy: ['loopback'] }
  const { relay, wsAddress } = await startRelay([], { unknownPerAddress: 2, ws, greetingMs: 600_000 })
  const refused: string[] = []
  relay.on('refused', ({ code }: { code: string }, _: unknown, address: string) =>
    refused.push(`${code} ${address}`)
  )
  const flood = Array.from({ length: 5 }, () => silent(wsAddress.ws ?? '', '203.0.113.1'))
  await until(() => flood.filter(({ closed }) => closed).length === 3)
  expect(refused).toEqual(Array.from({ length: 3 }, () => 'RELAY_TOO_MANY 203.0.113.1'))
  silent(wsAddress.ws ?? '', '203.0.113.2')
  await until(() => relay.connections === 3)
})

test('what anybody else says of an address is not believed', async () => {
  const { relay, wsAddress } = await startRelay([], { unknownPerAddress: 2, greetingMs: 600_000 })
  const refused: string[] = []
  relay.on('refused', (_: unknown, __: unknown, address: string) => refused.push(address))
  const flood = Array.from({ length: 5 }, (_, i) => silent(wsAddress.ws ?? '', `203.0.113.${i}`))
  await until(() => flood.filter(({ closed }) => closed).length === 3)
  // They were not even heard.
  expect(refused).toEqual(['127.0.0.1', '127.0.0.1', '127.0.0.1'])
  const refusals = await relay.metrics.refusals.get()
  expect(refusals.values).toMatchObject([{ labels: { code: 'RELAY_TOO_MANY' }, value: 3 }])
})

test.each<[string, string, string | undefined, string]>([
  ['the client of a proxy', '10.0.0.1', '203.0.113.1', '203.0.113.1'],
  ['the one before a row of proxies', '10.0.0.1', '203.0.113.1, 10.0.0.9', '203.0.113.1'],
  ['the last that a proxy of ours saw', '10.0.0.1', '198.51.100.7, 203.0.113.1', '203.0.113.1'],
  ['a proxy on this machine, by its IPv6 name', '::ffff:127.0.0.1', '2001:db8::1', '2001:db8::1'],
  ['a proxy that says nothing', '10.0.0.1', undefined, '10.0.0.1'],
  ['a proxy that says what is no address', '10.0.0.1', 'unknown', '10.0.0.1'],
  ['somebody who is no proxy', '203.0.113.5', '198.51.100.7', '203.0.113.5']
])('%s', (_, remote, forwardedFor, client) => {
  const proxies = new Proxies(['10.0.0.0/8', 'loopback'])
  expect(proxies.clientOf(request(remote, forwardedFor))).toBe(client)
})

test('a proxy that is none is refused before anything listens', async () => {
  const ws = { host: '127.0.0.1', trustProxy: ['proxy.example'] }
  await expect(startRelay([crypto.keyPair()], { ws })).rejects.toMatchObject({ code: 'RELAY_BAD_ARGUMENT' })
})

test.each([
  ['203.0.113.1:4711', '203.0.113.1'],
  ['[2001:db8::1]:4711', '2001:db8::1'],
  ['[2001:db8::1]', '2001:db8::1'],
  ['203.0.113.1:4711, 10.0.0.1:80', '203.0.113.1'],
  ['2001:db8::1', '2001:db8::1'],
  ['203.0.113.1:x', '127.0.0.1']
])('a proxy that says %s speaks for %s', (forwardedFor, client) => {
  expect(new Proxies(['loopback', '10.0.0.0/8']).clientOf(request('127.0.0.1', forwardedFor))).toBe(client)
})
