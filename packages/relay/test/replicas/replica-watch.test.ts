import { testCleanup, until } from '@cloudpal/test-kit'
import crypto from 'hypercore-crypto'
import { expect, test } from 'vitest'
import { ReplicaWatch } from '../../src/replicas/replica-watch.ts'
import { listening } from '../listening.ts'

test('a relay that is held up itself takes no other for silent, and does when it is not', async () => {
  const { port } = await listening((socket) => socket.resume())
  let lost = 0
  const address = { publicKey: crypto.keyPair().publicKey, tcp: { host: '127.0.0.1', port } }
  const watch = new ReplicaWatch(address, crypto.keyPair(), 20, {
    onbeat: () => {},
    onset: () => {},
    setSeq: () => 0,
    onreached: () => {},
    onlost: () => {
      lost++
      return 60_000
    }
  })
  testCleanup().defer('network', () => watch.close())
  for (let turn = 0; turn < 8; turn++) {
    const until = performance.now() + 60
    while (performance.now() < until);
    await new Promise((resolve) => setImmediate(resolve))
  }
  expect(lost).toBe(0)
  await until(() => lost === 1)
})
