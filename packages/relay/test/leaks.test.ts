import { seededRandom, until } from '@cloudpal/test-kit'
import { expect, test } from 'vitest'
import type { Connection, RelayClient } from '../src/index.ts'
import { startDevice, startRelay, twoKeyPairs } from './relays.ts'

const ROUNDS = 300

/** One connection that is ended in one of many ways, at one moment or another. */
async function meet(
  alice: RelayClient,
  bob: RelayClient,
  others: Set<Connection>,
  pick: number
): Promise<void> {
  const connection = alice.connect(bob.publicKey)
  const closed = new Promise<void>((resolve) => connection.once('close', resolve))
  if (pick === 0) connection.destroy()
  const opened = await connection.opened
  if (opened) connection.write(new Uint8Array(10_000))
  if (pick === 1) connection.destroy()
  if (pick === 2) connection.end()
  if (pick === 3) await until(() => others.size > 0)
  for (const other of others) {
    if (pick === 3) other.destroy()
    else if (pick === 4) other.end()
  }
  if (pick > 3) connection.destroy()
  await closed
}

test(`${ROUNDS} connections that end in all sorts of ways leave nothing behind, at the relay or at the devices`, async () => {
  const [a, b] = twoKeyPairs()
  const { relay, address, wsAddress } = await startRelay([a, b])
  const alice = await startDevice(a, { relays: [wsAddress] })
  const bob = await startDevice(b, { relays: [address] })
  const others = new Set<Connection>()
  bob.on('connection', (connection: Connection) => {
    others.add(connection)
    connection.once('close', () => others.delete(connection))
    connection.on('end', () => connection.end())
    connection.on('data', () => {})
  })
  await until(() => relay.registered === 2)
  const before = process.getActiveResourcesInfo().length
  const random = seededRandom(7)
  for (let i = 0; i < ROUNDS; i++) await meet(alice, bob, others, random.integer(0, 5))
  await until(() => alice.connections.size === 0 && bob.connections.size === 0)
  await until(() => relay.sessions === 0 && relay.registered === 2 && relay.connections === 2)
  expect(relay.policy.connections).toBe(2)
  expect(relay.heldBytes).toBe(0)
  // Timers and sockets of all three.
  await until(() => process.getActiveResourcesInfo().length <= before + 2)
  // One after the other, and none waits for a timer: it takes what the processor takes.
})
