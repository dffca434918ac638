import crypto from 'hypercore-crypto'
import { testCleanup, until } from '@cloudpal/test-kit'
import { expect, test } from 'vitest'
import type { Path, PathEvents } from '../src/paths/path.ts'
import { decodeControl, encodeControl, encodeWelcome } from '../src/protocol/control.ts'
import { eachBody, frame, FRAME, FrameReader } from '../src/protocol/frames.ts'
import { ControlCipher, Handshake } from '../src/protocol/handshake.ts'
import { listening } from './listening.ts'
import { reachedKey, responder } from './reached.ts'
import { startDevice } from './relays.ts'

type Said = NonNullable<ReturnType<typeof decodeControl>>

/** A relay that does what the test says: each connection to it can become a path to whoever the test likes. */
async function relayThat(
  onmessage: (message: Said, sayControl: (message: Said) => void, path: Path) => void
): Promise<{ address: { publicKey: Uint8Array; tcp: { host: string; port: number } } }> {
  const keyPair = crypto.keyPair()
  const { port } = await listening((socket) => {
    const handshake = new Handshake('device to relay', keyPair, null)
    let cipher: ControlCipher | null = null
    let events: PathEvents | null = null
    const sayControl = (message: Said): void => {
      if (cipher !== null) socket.write(frame(FRAME.CONTROL, cipher.seal(encodeControl(message))))
    }
    const path: Path = {
      kind: 'relay',
      relay: keyPair.publicKey,
      transport: 'tcp',
      origin: 'somebody',
      start: (given) => {
        events = given
      },
      send: (parts) => socket.write(frame(FRAME.DATA, Buffer.concat(parts))),
      end: () => void socket.end(),
      destroy: () => void socket.destroy()
    }
    socket.on('close', () => events?.onclose(null))
    const reader = new FrameReader({
      onframe: (type, body) => {
        if (type === FRAME.HELLO) {
          handshake.receive(body)
          socket.write(frame(FRAME.WELCOME, handshake.send(encodeWelcome(null))))
          const secrets = handshake.secrets()
          cipher = secrets && new ControlCipher(secrets)
          return
        }
        const message = decodeControl(cipher?.open(body) ?? new Uint8Array(0))
        if (message?.type === 'register') sayControl({ type: 'registered' })
        else if (message !== null) onmessage(message, sayControl, path)
      },
      ondata: (run) => eachBody(run, (body) => events?.onmessage(body)),
      oninvalid: () => socket.destroy()
    })
    socket.on('data', (chunk) => reader.push(chunk))
  })
  return { address: { publicKey: keyPair.publicKey, tcp: { host: '127.0.0.1', port } } }
}

test('a relay that says at each path that it goes down does not make a device dial without a pause', async () => {
  const bob = responder()
  let [dials, drained] = [0, 0]
  const { address } = await relayThat(({ type }, sayControl, path) => {
    if (type !== 'open') return
    dials++
    sayControl({ type: 'opened' })
    bob.accept(path)
    // Also once the path has been joined.
    const timer = setInterval(() => {
      sayControl({ type: 'draining' })
      drained++
    }, 2)
    testCleanup().defer('stream', () => clearInterval(timer))
  })
  const alice = await startDevice(crypto.keyPair(), { relays: [address], times: { retryMs: 600_000 } })
  const connection = alice.connect(reachedKey)
  expect(await connection.opened).toBe(true)
  // A few are joined at once, and the next one after a pause.
  await until(() => drained >= 4_000 || dials >= 12)
  expect(dials).toBeLessThan(12)
  connection.destroy()
})
