import { until } from '@cloudpal/test-kit'
import { expect, test } from 'vitest'
import { RelayClient } from '../src/index.ts'
import { RelayServer } from '../src/server/index.ts'
import { startDevice, startRelay, twoKeyPairs } from './relays.ts'

test.each<[string, () => boolean, string]>([
  [
    'throws',
    () => {
      throw new TypeError('the database is closed')
    },
    'the database is closed'
  ],
  [
    'gives a promise that comes to nothing',
    () => Promise.reject(new Error('later')) as never,
    'RELAY_BAD_ARGUMENT: a firewall says at once whether it refuses'
  ]
])('a firewall that %s refuses who has come, and ends no process', async (_, firewall, words) => {
  const [a, b] = twoKeyPairs()
  const { address } = await startRelay([a, b])
  const bob = await startDevice(b, { relays: [address], firewall })
  const failures: string[] = []
  bob.on('firewall-failed', ({ message }) => failures.push(message))
  await until(() => bob.registeredAt.length === 1)
  const alice = await startDevice(a, { relays: [address] })
  const connection = alice.connect(b.publicKey)
  const refused = new Promise((resolve) => connection.once('error', resolve))
  expect(await refused).toMatchObject({ code: 'RELAY_PEER_REFUSED' })
  expect(failures).toEqual([words])
})

test('what listens to a client or a relay is checked by the types of its events', async () => {
  const [a] = twoKeyPairs()
  const client = new RelayClient({ keyPair: a })
  const relay = new RelayServer({ keyPair: a })
  client.on('connection', (connection) => connection.setKeepAlive(5_000))
  client.once('unregistered', (_, { code, retryAfterMs }) => [code, retryAfterMs])
  relay.off('refused', ({ code }, device) => [code, device])
  // @ts-expect-error -- there is no such event
  client.on('regsitered', () => {})
  // @ts-expect-error -- that is not what it gives
  client.on('connection', (connection: number) => connection)
  // @ts-expect-error -- nor is that
  relay.on('listen-failed', (error: string) => error)
  expect([client, relay].map((one) => one.listenerCount('connection'))).toEqual([2, 0])
})
