import { connect, type Socket, type TcpSocketConnectOpts } from 'node:net'
import { testCleanup } from '@cloudpal/test-kit'

/** A connection that is spoken on by hand, and what was heard there. */
export interface Spoken {
  readonly socket: Socket
  readonly heard: string
  readonly closed: boolean
}

/** Connects to a port of this machine, and says this. */
export function say(
  port: number | null,
  words: string | Uint8Array,
  from: Omit<TcpSocketConnectOpts, 'port'> = {}
): Spoken {
  const socket = connect({ port: port ?? 0, host: '127.0.0.1', ...from })
  testCleanup().defer('stream', () => socket.destroy())
  const spoken = { socket, heard: '', closed: false }
  socket.on('error', () => {}).on('close', () => (spoken.closed = true))
  socket.on('data', (data) => (spoken.heard += data.toString('latin1')))
  socket.write(words)
  return spoken
}

/** Asks for a WebSocket (RFC 6455, 4.1); more headers may follow, and then an empty line. */
export const UPGRADE = [
  'GET / HTTP/1.1',
  'host: relay',
  'connection: Upgrade',
  'upgrade: websocket',
  'sec-websocket-version: 13',
  'sec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA=='
].join('\r\n')

/** A frame of a WebSocket as a client sends it (RFC 6455, 5.2), with a mask of zeros. Up to 125 bytes. */
export function webSocketFrame(opcode: number, isLast: boolean, payload: Uint8Array): Buffer {
  return Buffer.concat([Buffer.of((isLast ? 0x80 : 0) | opcode, 0x80 | payload.length, 0, 0, 0, 0), payload])
}
