import { until } from '@cloudpal/test-kit'
import crypto from 'hypercore-crypto'
import { expect, test } from 'vitest'
import { greet } from './links.ts'
import { startRelay, twoKeyPairs } from './relays.ts'

test('who opens is served where it is, also where newcomers are sent elsewhere', async () => {
  const [a, b] = twoKeyPairs()
  const elsewhere = crypto.keyPair().publicKey
  const { relay, address } = await startRelay([a, b], { redirect: () => elsewhere })
  const target = greet(address, b, (link) => link.register(30_000, { insists: true }))
  await until(() => target.ended ?? target.seen.includes('registered'))
  expect(relay.registered).toBe(1)
  const opener = greet(address, a, (link) => link.open(b.publicKey))
  await until(() => opener.ended ?? opener.seen.includes('opened'))
  expect([opener.ended, opener.seen]).toEqual([null, ['welcome', 'opened']])
})
