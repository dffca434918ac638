import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { testCleanup, tmpDir, until } from '@cloudpal/test-kit'
import crypto from 'hypercore-crypto'
import { expect, test } from 'vitest'
import { EXIT } from '../../src/cli/program.ts'
import { RelayClient } from '../../src/index.ts'
import { RelayServer } from '../../src/server/index.ts'
import { noPoint, uncheckedSet } from '../no-point.ts'
import { startProgram } from '../program.ts'
import { startRelay, twoKeyPairs } from '../relays.ts'
import { keyPair, seedOf } from './records.ts'

const HOST = '127.0.0.1'
const hex = (key: Uint8Array): string => Buffer.from(key).toString('hex')

test('a set that names a key that is no point leaves no relay half open', async () => {
  const self = crypto.keyPair()
  const none = noPoint()
  const addresses = [`tcp://${HOST}:1`]
  const set = uncheckedSet(
    [self.publicKey, none].map((key) => ({ key, addresses })),
    1,
    seedOf(0)
  )
  const relay = new RelayServer({
    keyPair: self,
    tcp: { host: HOST },
    replicas: { owner: keyPair(0).publicKey, set, intervalMs: 100 }
  })
  const outcome = await relay.ready().then(
    () => 'open',
    () => 'failed'
  )
  const port = relay.ports.tcp ?? 0
  const isHeard = await knock(port)
  await relay.close()
  expect([outcome, isHeard]).not.toEqual(['failed', true])
})

test('a device whose set of replicas names a key that is no point registers at the others', async () => {
  const [self, a] = twoKeyPairs()
  const { address } = await startRelay([a], { keyPair: self })
  const addresses = [`tcp://${HOST}:${address.tcp?.port}`]
  const set = uncheckedSet(
    [self.publicKey, noPoint()].map((key) => ({ key, addresses })),
    1,
    seedOf(0)
  )
  const device = new RelayClient({ keyPair: a, replicas: { owner: keyPair(0).publicKey, set } })
  testCleanup().defer('swarm', () => device.close())
  await expect(device.ready()).resolves.toBeUndefined()
  await until(() => device.registeredAt.length === 1)
})

test('no set is signed that names a key that is no point', async () => {
  const dir = await tmpDir()
  const keyFile = join(dir, 'owner.key')
  await writeFile(keyFile, `${hex(crypto.randomBytes(32))}\n`)
  const replica = `${hex(noPoint())}=tcp://relay.example:4989`
  const program = startProgram(['replicas', '--owner-key-file', keyFile, '--replica', replica])
  expect([await program.exit, program.out]).toEqual([EXIT.usage, []])
})

/** Whether somebody listens there. */
async function knock(port: number): Promise<boolean> {
  const { connect } = await import('node:net')
  const socket = connect(port, HOST)
  testCleanup().defer('stream', () => socket.destroy())
  return Promise.race([
    once(socket, 'connect').then(() => true),
    once(socket, 'error').then(() => false)
  ]).catch(() => false)
}
