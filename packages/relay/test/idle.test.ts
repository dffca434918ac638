import { expect, test, vi } from 'vitest'
import { type TwoDevices, withTwoDevices } from './two-devices.ts'

vi.mock('../src/client/dial.ts', async () => (await import('./simulated-ways.ts')).simulatedDials)

/** What hypercore 11 sets on every stream (index.js, createProtocolStream). */
const HYPERCORES_MS = 5_000
const MINUTE = 60_000

/** Messages, of both sides, in a minute in which nobody has anything to say. */
async function idleMessages(devices: TwoDevices, keepAliveMs: number): Promise<number> {
  let messages = 0
  for (const way of devices.directWays)
    Object.defineProperty(way, 'latencyMs', {
      get: () => {
        messages++
        return 3
      }
    })
  await rest(devices, keepAliveMs)
  const before = messages
  await vi.advanceTimersByTimeAsync(MINUTE)
  return messages - before
}

async function rest(devices: TwoDevices, keepAliveMs: number): Promise<void> {
  devices.start()
  await vi.advanceTimersByTimeAsync(1_000)
  for (const one of [devices.connection, ...devices.devices[1].connections]) one.setKeepAlive(keepAliveMs)
  await vi.advanceTimersByTimeAsync(10 * MINUTE)
  expect(devices.connection.path?.kind).toBe('tcp')
}

test('a connection over which Hypercore replicates, and nobody says anything, comes to rest', async () => {
  let [quiet, kept] = [0, 0]
  await withTwoDevices(async (devices) => {
    quiet = await idleMessages(devices, 0)
  })
  await withTwoDevices(async (devices) => {
    kept = await idleMessages(devices, HYPERCORES_MS)
  })
  expect(quiet).toBeGreaterThan(0)
  // Beside that an empty message of each side every 5 s, and its ack.
  expect(kept).toBeLessThanOrEqual(quiet + (2 * 2 * MINUTE) / HYPERCORES_MS)
})

test.each([0, HYPERCORES_MS])(
  'a way that died while all was quiet is left soon after the app has asked (keep-alive %s)',
  (keepAliveMs) =>
    withTwoDevices(async (devices) => {
      await rest(devices, keepAliveMs)
      for (const way of devices.directWays) way.set('frozen')
      devices.connection.sendKeepAlive()
      await vi.advanceTimersByTimeAsync(2_500)
      expect(devices.connection.path?.kind).toBe('relay')
    })
)

test('an end that is said on a way that died while all was quiet arrives soon', () =>
  withTwoDevices(async (devices) => {
    await rest(devices, 0)
    for (const way of devices.directWays) way.set('frozen')
    devices.end(0)
    await vi.advanceTimersByTimeAsync(2_500)
    expect(devices.devices[1].ends).toBe(1)
  }))
