import { createServer } from 'node:net'
import { testCleanup, until } from '@cloudpal/test-kit'
import crypto from 'hypercore-crypto'
import { expect, test } from 'vitest'
import type { LanLike } from '../src/index.ts'
import { nextConnection, startDevice } from './relays.ts'

/** A network where everybody hears everybody, and an impostor who answers first. */
function localNetwork(impostor: number): LanLike & { announced: number } {
  const ports = new Map<string, number>()
  const nameOf = (key: Uint8Array): string => Buffer.from(key).toString('hex')
  return {
    get announced() {
      return ports.size
    },
    announce: (key, port) => {
      ports.set(nameOf(key), port)
      return () => ports.delete(nameOf(key))
    },
    find: (key, onfound) => {
      const report = (port: number | undefined): void => {
        if (port !== undefined) onfound({ host: '127.0.0.1', port })
      }
      queueMicrotask(() => {
        report(impostor)
        report(ports.get(nameOf(key)))
      })
      return () => {}
    }
  }
}

test('a device on the local network is reached without relay and DHT, past an impostor that is found first', async () => {
  let visits = 0
  const impostor = createServer((socket) => {
    visits++
    socket.on('error', () => {}).write(crypto.randomBytes(100))
  })
  await new Promise<void>((resolve) => impostor.listen(0, '127.0.0.1', resolve))
  testCleanup().defer('network', () => void impostor.close())
  const { port } = impostor.address() as { port: number }
  const lan = localNetwork(port)
  const bob = await startDevice(crypto.keyPair(), { lan, listen: { host: '127.0.0.1' } })
  const alice = await startDevice(crypto.keyPair(), { lan })
  expect(lan.announced).toBe(1)
  const incoming = nextConnection(bob)
  const connection = alice.connect(bob.publicKey)
  expect(await connection.opened).toBe(true)
  expect((await incoming).remotePublicKey).toEqual(alice.publicKey)
  expect(connection.path).toEqual({ kind: 'tcp', relay: null, transport: 'tcp' })
  await until(() => visits > 0)
  await bob.close()
  expect(lan.announced).toBe(0)
})
