import { once } from 'node:events'
import { connect } from 'node:net'
import { testCleanup, until } from '@cloudpal/test-kit'
import crypto from 'hypercore-crypto'
import { expect, test, vi } from 'vitest'
import { ReplicaWatch } from '../../src/replicas/replica-watch.ts'
import { listening } from '../listening.ts'

/** A watch of whoever listens there; nobody is dialled a second time by itself. */
function watching(port: number, intervalMs: number, onlost: () => void): ReplicaWatch {
  const address = { publicKey: crypto.keyPair().publicKey, tcp: { host: '127.0.0.1', port } }
  const watch = new ReplicaWatch(address, crypto.keyPair(), intervalMs, {
    onbeat: () => true,
    onset: () => {},
    set: () => null,
    setSeq: () => 0,
    onreached: () => {},
    onlost: () => {
      onlost()
      return 60_000
    }
  })
  testCleanup().defer('network', () => watch.close())
  return watch
}

test('a relay that is held up itself takes no other for silent, and does when it is not', async () => {
  const { port } = await listening((socket) => socket.resume())
  let lost = 0
  watching(port, 20, () => lost++)
  for (let turn = 0; turn < 8; turn++) {
    const until = performance.now() + 60
    while (performance.now() < until);
    await new Promise((resolve) => setImmediate(resolve))
  }
  expect(lost).toBe(0)
  await until(() => lost === 1)
})

test('one that comes again and again, and cannot be reached, is not dialled each time', async () => {
  let knocks = 0
  const { port } = await listening((socket) => {
    knocks++
    socket.destroy()
  })
  let lost = 0
  // All of it is within a second.
  const clock = vi.spyOn(performance, 'now').mockReturnValue(performance.now())
  testCleanup().defer('stream', () => clock.mockRestore())
  const watch = watching(port, 600_000, () => lost++)
  await until(() => lost === 1)
  watch.hurry()
  await until(() => lost === 2)
  watch.hurry()
  // Whoever knocks after it is heard after it.
  const after = connect(port, '127.0.0.1')
  testCleanup().defer('stream', () => after.destroy())
  after.on('error', () => {})
  await once(after, 'close')
  expect(knocks).toBe(3)
})
