import type { Socket } from 'node:net'
import type { KeyPair } from 'hypercore-crypto'
import { type ControlMessage, decodeControl, encodeControl, encodeWelcome } from '../src/protocol/control.ts'
import { frame, FRAME, FrameReader } from '../src/protocol/frames.ts'
import { ControlCipher, Handshake } from '../src/protocol/handshake.ts'
import type { Wire } from '../src/wires/wire.ts'

/** A replica that answers each ping with these messages. */
export function sayAsReplica(socket: Socket, keyPair: KeyPair, answer: () => ControlMessage[]): void {
  sayAsRelay(socket, keyPair, ({ type }) => (type === 'ping' ? [{ type: 'pong' }, ...answer()] : []))
}

/** A relay that greets everybody, and then says what it likes. */
export function sayAsRelay(
  wire: Socket | Wire,
  keyPair: KeyPair,
  answer: (message: ControlMessage) => ControlMessage[]
): void {
  const handshake = new Handshake('device to relay', keyPair, null)
  let cipher: ControlCipher | null = null
  const reader = new FrameReader({
    onframe: (type, body) => {
      if (type === FRAME.HELLO) {
        handshake.receive(body)
        wire.write(frame(FRAME.WELCOME, handshake.send(encodeWelcome(null))))
        const secrets = handshake.secrets()
        cipher = secrets && new ControlCipher(secrets)
        return
      }
      const message = decodeControl(cipher?.open(body) ?? new Uint8Array(0))
      const answers = message === null ? [] : answer(message)
      // In one go: who reads one has all of them.
      const frames = answers.map((one) =>
        frame(FRAME.CONTROL, cipher?.seal(encodeControl(one)) as Uint8Array)
      )
      if (frames.length > 0) wire.write(Buffer.concat(frames))
    },
    ondata: () => {},
    oninvalid: () => wire.destroy()
  })
  if ('start' in wire)
    wire.start({ onbytes: (chunk) => reader.push(chunk), ondrain: () => {}, onclose: () => {} })
  else wire.on('data', (chunk) => reader.push(chunk))
}
