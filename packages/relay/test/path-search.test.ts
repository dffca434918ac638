import crypto from 'hypercore-crypto'
import { expect, test, vi } from 'vitest'
import { EndlessPunching } from './endless-punching.ts'
import { type TwoDevices, withTwoDevices } from './two-devices.ts'

vi.mock('../src/client/dial.ts', async () => (await import('./simulated-ways.ts')).simulatedDials)

const TEN_MINUTES = 600_000

/** They have a connection through the first relay, and no direct way. */
async function relayed(devices: TwoDevices, udp: Parameters<TwoDevices['start']>[0] = null): Promise<void> {
  for (const way of devices.directWays) way.set('down')
  devices.start(udp)
  await vi.advanceTimersByTimeAsync(3_000)
  expect(devices.connection.path?.relay).toBe(devices.relays[0]?.relay)
}

test('a relay that says at each path that it goes down does not make a device dial without a pause', () =>
  withTwoDevices(
    async (devices) => {
      await relayed(devices)
      const dials = vi.spyOn(devices, 'relay')
      for (let ms = 0; ms < 4_000; ms += 2) {
        for (const way of devices.relays) way.drain()
        await vi.advanceTimersByTimeAsync(2)
      }
      // A few are joined at once, from both relays together, and the next ones after a pause.
      expect(dials.mock.calls.length).toBeGreaterThan(0)
      expect(dials.mock.calls.length).toBeLessThan(12)
      expect(devices.connection.path?.kind).toBe('relay')
    },
    { retryMs: 600_000 }
  ))

test('a hole that takes long to punch is given time, and none when the relay goes silent meanwhile', () =>
  withTwoDevices(
    async (devices) => {
      const dht = new EndlessPunching()
      devices.udpKey = new Uint8Array(32).fill(1)
      await relayed(devices, { dht, pathKeyPair: crypto.keyPair(), more: {} })
      // The first was the race for the connection; the second lasts, and is not begun anew.
      for (let ms = 0; ms < 50_000; ms += 5_000) {
        expect([dht.punching, dht.punchings]).toEqual([1, 2])
        await vi.advanceTimersByTimeAsync(5_000)
      }
      const { connection } = devices
      const [first, second] = devices.relays
      const lost: number[] = []
      connection.on('path' as 'close', (path?: unknown) => void (path === null && lost.push(dht.punchings)))
      first?.set('frozen')
      devices.write(0, 1_000)
      await vi.advanceTimersByTimeAsync(4_000)
      expect([lost, connection.path?.relay]).toEqual([[2], second?.relay])
      expect(devices.devices[1].read).toBe(1_000)
    },
    { attemptMs: 5_000, punchMs: 60_000 }
  ))

test('a device that answered a call while it held on to a direct path looks for a direct one again once that is lost', () =>
  withTwoDevices(async (devices) => {
    const [toBob, toAlice] = devices.directWays
    for (const relay of devices.relays) relay.oneByOne = true
    // Alice is behind a NAT: Bob cannot reach her but through relays.
    toAlice.set('down')
    devices.start()
    await vi.advanceTimersByTimeAsync(100_000)
    expect(devices.connection.path?.kind).toBe('tcp')
    // Bob has something to say, and so he notices first that the direct way swallows all; he calls.
    toBob.set('frozen')
    devices.write(1, 100)
    await vi.advanceTimersByTimeAsync(20_000)
    expect([devices.connection.path?.kind, devices.devices[0].read]).toEqual(['relay', 100])
    toBob.set('up')
    await vi.advanceTimersByTimeAsync(TEN_MINUTES)
    expect(devices.connection.path?.kind).toBe('tcp')
  }))

test('a device that was called directly dials no more for a direct way', () =>
  withTwoDevices(async (devices) => {
    devices.directWays[0].set('down')
    devices.start()
    await vi.advanceTimersByTimeAsync(100_000)
    expect(devices.connection.path?.kind).toBe('tcp')
    const { dials } = devices
    await vi.advanceTimersByTimeAsync(TEN_MINUTES)
    expect(devices.dials - dials).toBe(0)
  }))
