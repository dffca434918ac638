import { tmpStore, until } from '@cloudpal/test-kit'
import { expect, test } from 'vitest'
import { asStream, nextConnection, startDevice, startRelay, twoKeyPairs } from './relays.ts'

test.each(['tcp', 'ws'] as const)('a Corestore replicates through the relay over %s', async (transport) => {
  const [a, b] = twoKeyPairs()
  const { relay, address, wsAddress } = await startRelay([a, b])
  const relays = [transport === 'tcp' ? address : wsAddress]
  const alice = await startDevice(a, { relays })
  const bob = await startDevice(b, { relays })
  await until(() => bob.registeredAt.length === 1 && relay.registered === 2)

  const [mine, theirs] = [await tmpStore(), await tmpStore()]
  const core = theirs.get({ name: 'core' })
  for (let i = 0; i < 100; i++) await core.append(`block ${i}`)
  const incoming = nextConnection(bob)
  const connection = alice.connect(bob.publicKey)
  expect(await connection.opened).toBe(true)
  const other = await incoming
  expect(other.remotePublicKey).toEqual(a.publicKey)
  mine.replicate(asStream(connection))
  theirs.replicate(asStream(other))
  const copy = mine.get({ key: core.key })
  await copy.ready()
  await until(() =>
    copy.length === 0 ? copy.update({ wait: false }).then(() => copy.length === 100) : copy.length === 100
  )
  expect(await copy.get(99).then(String)).toBe('block 99')
  expect(connection.path).toMatchObject({ kind: 'relay', transport })
  expect(other.path).toMatchObject({ kind: 'relay', transport })
  expect(relay.sessions).toBe(1)
})
