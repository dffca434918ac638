import { until } from '@cloudpal/test-kit'
import { expect, test } from 'vitest'
import { dialDirectly } from '../src/client/dial.ts'
import { nextConnection, startDevice, startRelay, twoKeyPairs } from './relays.ts'

/** What would have ended this process meanwhile. */
async function uncaught(work: () => Promise<void>): Promise<unknown[]> {
  const before = process.listeners('uncaughtException')
  const seen: unknown[] = []
  const see = (error: unknown): void => void seen.push(error)
  process.removeAllListeners('uncaughtException')
  process.on('uncaughtException', see)
  try {
    await work()
  } finally {
    process.off('uncaughtException', see)
    for (const listener of before) process.on('uncaughtException', listener)
  }
  return seen
}

async function turns(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await new Promise((resolve) => setImmediate(resolve))
}

/** An address to which connect() fails at once, in the call: a broadcast address of this machine. Others: any IPv6 address where there is no IPv6, any at all where there is no network. */
const NOWHERE = '127.255.255.255:9'

test('a device that names an address to which there is no route does not end the process of whoever it is connected to', async () => {
  const seen = await uncaught(async () => {
    const [a, b] = twoKeyPairs()
    const { address } = await startRelay([a, b])
    const alice = await startDevice(a, { relays: [address] })
    const bob = await startDevice(b, {
      relays: [address],
      listen: { host: '127.0.0.1', announce: [NOWHERE] }
    })
    await until(() => bob.registeredAt.length === 1)
    const incoming = nextConnection(bob)
    const connection = alice.connect(bob.publicKey)
    expect(await connection.opened).toBe(true)
    await incoming
    await turns(200)
  })
  expect(seen).toEqual([])
})

test('a dial that fails at once, begun from a timer, is told to whoever takes the path', async () => {
  let told: Error | null = null
  const seen = await uncaught(async () => {
    await new Promise<void>((resolve) =>
      setTimeout(() => {
        const { path } = dialDirectly(NOWHERE)
        void path.then((one) =>
          one.start({ onmessage: () => {}, ondrain: () => {}, onclose: (error) => (told = error) })
        )
        resolve()
      }, 1)
    )
    await turns(20)
  })
  expect(seen).toEqual([])
  expect(told).toMatchObject({ code: 'ENETUNREACH' })
})
