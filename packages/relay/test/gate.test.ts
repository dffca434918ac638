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

test('who comes while a relay drains hears when to come back', async () => {
  const [a, b] = twoKeyPairs()
  const { relay, address } = await startRelay([a, b], { drainMs: 7_000 })
  const late = greet(address, a, (link) => {
    void relay.drain()
    link.register(30_000)
  })
  await until(() => late.ended)
  expect(late.refusal).toMatchObject({ code: 'RELAY_DRAINING', retryAfterMs: 7_000 })
})

test('a relay that has no others of its owner lets nobody watch', async () => {
  const [a] = twoKeyPairs()
  const { address } = await startRelay([a])
  const watcher = greet(address, a, (link) => link.watch(30_000, 0))
  await until(() => watcher.ended)
  expect(watcher.ended).toBe('RELAY_NO_SCOPE')
})
