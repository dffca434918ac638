import { expect, test, vi } from 'vitest'
import { withTwoDevices } from './two-devices.ts'

vi.mock('../src/client/dial.ts', async () => (await import('./simulated-ways.ts')).simulatedDials)

const TEN_MINUTES = 600_000

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
