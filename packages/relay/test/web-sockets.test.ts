import { until } from '@cloudpal/test-kit'
import { expect, test } from 'vitest'
import { say, UPGRADE, webSocketFrame } from './by-hand.ts'
import { startRelay } from './relays.ts'

/** Somebody who has a WebSocket, and all the time to say who it is. */
async function stranger(extensions = ''): Promise<ReturnType<typeof say>> {
  const { relay } = await startRelay([], { greetingMs: 600_000 })
  const one = say(relay.ports.ws, `${UPGRADE}\r\n${extensions}\r\n`)
  await until(() => one.heard.includes('\r\n\r\n'))
  expect(one.heard).toMatch(/^HTTP\/1.1 101 /)
  return one
}

/** The head of a frame of a binary message (RFC 6455, 5.2), its mask included. */
function headOf(bytes: number): Buffer {
  const head = Buffer.alloc(14)
  head.set([0x82, 0xff])
  head.writeBigUInt64BE(BigInt(bytes), 2)
  return head
}

test('a WebSocket message of more than 128 KiB is refused by its length', async () => {
  const one = await stranger()
  one.socket.write(headOf(128 * 1024 + 1))
  await until(() => one.closed)
  // 1009: too big (RFC 6455, 7.4.1).
  expect(one.heard.endsWith('\x88\x02\x03\xf1')).toBe(true)
})

test('a WebSocket is not compressed, whoever offers that', async () => {
  const one = await stranger('sec-websocket-extensions: permessage-deflate\r\n')
  expect(one.heard.toLowerCase()).not.toContain('permessage-deflate')
})

test('a ping of a WebSocket is answered once', async () => {
  const one = await stranger()
  for (const word of ['one', 'two']) one.socket.write(webSocketFrame(9, true, Buffer.from(word)))
  await until(() => one.heard.endsWith('two'))
  expect(one.heard.split('\r\n\r\n')[1]).toBe('\x8a\x03one\x8a\x03two')
})

test('a WebSocket that says text is let go', async () => {
  const one = await stranger()
  one.socket.write(webSocketFrame(1, true, Buffer.from('hello')))
  await until(() => one.closed)
})
