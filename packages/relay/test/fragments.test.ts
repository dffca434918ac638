import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { testCleanup, until } from '@cloudpal/test-kit'
import crypto from 'hypercore-crypto'
import { expect, test } from 'vitest'
import { WebSocketServer } from 'ws'
import { RelayLink } from '../src/paths/relay-link.ts'
import { FRAME, frameHeader, FrameReader, MAX_DATA_BYTES } from '../src/protocol/frames.ts'
import { dialWs } from '../src/sockets/sockets.ts'
import { say, UPGRADE, webSocketFrame } from './by-hand.ts'
import { startRelay } from './relays.ts'

const MEBIBYTE = 1024 * 1024

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

/** What this process holds, garbage left out: of the heap, and beside it. */
async function held(): Promise<number> {
  for (let i = 0; i < 3; i++) {
    await new Promise((resolve) => setImmediate(resolve))
    collect()
  }
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return heapUsed + arrayBuffers
}

/** How much more is held once somebody without a key has sent all this, one after the other, over a WebSocket. */
async function heldFor(parts: readonly Uint8Array[]): Promise<number> {
  const { relay } = await startRelay([], { greetingMs: 600_000 })
  const stranger = say(relay.ports.ws, `${UPGRADE}\r\n\r\n`)
  await until(() => stranger.heard.includes('101'))
  await until(() => relay.connections === 1)
  const before = await held()
  const write = (bytes: Uint8Array): Promise<void> =>
    new Promise((resolve) => void stranger.socket.write(bytes, () => resolve()))
  for (const part of parts) if (!stranger.closed) await write(part)
  // All of it has been read once the last ping is answered, unless the relay has had enough.
  const { length } = stranger.heard
  await write(webSocketFrame(9, true, new Uint8Array(0)))
  await until(() => stranger.closed || stranger.heard.length > length)
  return (await held()) - before
}

test('a stranger whose WebSocket message comes in many small fragments costs less than 1 MiB', async () => {
  const thousand = Buffer.concat(
    Array.from({ length: 1_000 }, () => webSocketFrame(0, false, Uint8Array.of(0)))
  )
  const parts = [
    webSocketFrame(2, false, Uint8Array.of(FRAME.DATA)),
    ...Array.from({ length: 16 }, () => thousand)
  ]
  expect(await heldFor(parts)).toBeLessThan(MEBIBYTE)
})

test('a device whose fragments come among much else holds no more than it counts', async () => {
  // Pongs that nobody asked for are allowed (RFC 6455, 5.5.3), and mean nothing.
  const pongs = Array.from({ length: 500 }, () => webSocketFrame(10, true, new Uint8Array(125)))
  const among = Buffer.concat([webSocketFrame(0, false, Uint8Array.of(0)), ...pongs])
  const parts = [
    webSocketFrame(2, false, Uint8Array.of(FRAME.DATA)),
    ...Array.from({ length: 200 }, () => among)
  ]
  expect((await heldFor(parts)) / MEBIBYTE).toBeLessThan(1)
})

test('a frame that comes in small parts of large chunks holds no more than its bytes', async () => {
  const reader = new FrameReader({ onframe: () => {}, ondata: () => {}, oninvalid: () => {} })
  const before = await held()
  reader.push(frameHeader(FRAME.DATA, MAX_DATA_BYTES))
  // Each is what is left of 64 KiB that came off a socket.
  for (let i = 0; i < 60; i++) reader.push(new Uint8Array(64 * 1024).subarray(0, 1))
  expect(((await held()) - before) / MEBIBYTE).toBeLessThan(1)
  expect(reader.heldBytes).toBe(64)
})

test('a relay that begins a WebSocket message without an end is left by its devices', async () => {
  const relay = crypto.keyPair()
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0, perMessageDeflate: false })
  testCleanup().defer('network', () => server.close())
  let left = false
  server.on('connection', (socket) => {
    testCleanup().defer('stream', () => socket.terminate())
    socket.on('close', () => (left = true)).on('error', () => {})
    for (let i = 0; i < 10; i++) socket.send(new Uint8Array(64 * 1024), { fin: false })
  })
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const wire = dialWs(`ws://127.0.0.1:${port}`)
  testCleanup().defer('stream', () => wire.destroy())
  const link = new RelayLink(
    wire,
    { keyPair: crypto.keyPair(), relay: relay.publicKey, grant: null },
    { onwelcome: () => {}, onclose: () => {} }
  )
  await until(() => left)
  link.destroy()
})
