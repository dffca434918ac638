import { fakeClock, until } from '@cloudpal/test-kit'
import { expect, test } from 'vitest'
import { asPath, greet, type TestLink } from './links.ts'
import { startRelay, twoKeyPairs } from './relays.ts'

test('a device that registers again is reached there, and its former registration ends', async () => {
  const [a, b] = twoKeyPairs()
  const { relay, address } = await startRelay([a, b])
  const before = greet(address, b, (link) => link.register(30_000))
  await until(() => before.seen.includes('registered'))
  const after = greet(address, b, (link) => link.register(30_000))
  await until(() => after.seen.includes('registered') && before.ended)
  // It was told that it is gone, and not refused.
  expect([before.ended, before.refusal, relay.registered]).toEqual(['RELAY_UNREACHABLE', null, 1])
  const opener = greet(address, a, (link) => link.open(b.publicKey))
  await until(() => opener.seen.includes('opened') && after.seen.includes('incoming'))
})

test('who waits for a device and leaves keeps it from nobody else', async () => {
  const [a, b] = twoKeyPairs()
  const { relay, address } = await startRelay([a, b], { reparkMs: 600_000 })
  const first = greet(address, b, (link) => link.register(30_000))
  await until(() => first.seen.includes('registered'))
  const openers = [0, 1, 2].map(() => greet(address, a, (link) => link.open(b.publicKey)))
  await until(() => openers.some(({ seen }) => seen.includes('opened')))
  const waiting = openers.filter(({ seen }) => !seen.includes('opened'))
  for (const { link } of waiting) link.ping()
  await until(() => waiting.every(({ seen }) => seen.includes('pong')))
  waiting[0]?.link.destroy()
  await until(() => relay.connections === 3)
  const again = greet(address, b, (link) => link.register(30_000))
  await until(() => waiting[1]?.seen.includes('opened') && again.seen.includes('incoming'))
  const paths = [asPath(again), asPath(waiting[1] as (typeof waiting)[number])]
  again.link.send([Uint8Array.of(7)])
  await until(() => paths[1]?.messages.length)
  expect(paths[1]?.messages[0]).toEqual(Buffer.of(7))
})

test('a device that came back and has left is not waited for', async () => {
  const clock = fakeClock(1_000)
  const [a, b] = twoKeyPairs()
  const { relay, address } = await startRelay([a, b], { now: clock.now })
  const registered = async (): Promise<TestLink> => {
    const target = greet(address, b, (link) => link.register(30_000))
    await until(() => target.seen.includes('registered'))
    return target
  }
  await registered()
  const opener = greet(address, a, (link) => link.open(b.publicKey))
  await until(() => opener.seen.includes('opened'))
  const again = await registered()
  again.wire.destroy()
  await until(() => relay.registered === 0)
  const late = greet(address, a, (link) => link.open(b.publicKey))
  await until(() => late.ended)
  expect(late.ended).toBe('RELAY_NOT_REGISTERED')
})
