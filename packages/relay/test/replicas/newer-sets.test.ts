import crypto from 'hypercore-crypto'
import { expect, test } from 'vitest'
import { RelayClient, ReplicaSet } from '../../src/index.ts'
import { listening } from '../listening.ts'

const owner = crypto.keyPair()

/** Two sets of one replica, of which the second is newer, at a port where connections are counted. */
async function twoSets(): Promise<{ readonly sets: [Uint8Array, Uint8Array]; dials(): number }> {
  let dials = 0
  const { port } = await listening(() => dials++)
  const members = [{ key: crypto.keyPair().publicKey, addresses: [`tcp://127.0.0.1:${port}`] }]
  const setOf = (seq: number): Uint8Array => ReplicaSet.sign(members, seq, owner).bytes
  return { sets: [setOf(1), setOf(2)], dials: () => dials }
}

test('a newer set that comes while a device is suspended, or before it is ready, is told to its app, and makes it dial nobody', async () => {
  const { sets, dials } = await twoSets()
  const [first, second] = sets
  for (const isReady of [false, true]) {
    const told: Uint8Array[] = []
    const replicas = { owner: owner.publicKey, set: first, onset: (set: Uint8Array) => told.push(set) }
    const device = new RelayClient({ keyPair: crypto.keyPair(), replicas })
    if (isReady) {
      device.suspend()
      await device.ready()
    }
    device.useReplicas(second)
    expect(told).toEqual([second])
    // To dial takes a few turns.
    for (let i = 0; i < 500; i++) await new Promise((resolve) => setImmediate(resolve))
    await device.close()
  }
  expect(dials()).toBe(0)
})
