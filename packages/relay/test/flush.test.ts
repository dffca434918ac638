import { expect, test, vi } from 'vitest'
import { withTwoDevices } from './two-devices.ts'

vi.mock('../src/client/dial.ts', async () => (await import('./simulated-ways.ts')).simulatedDials)

test('what was flushed was taken by the other device, and is not while nothing arrives', () =>
  withTwoDevices(async (devices) => {
    devices.start()
    await vi.advanceTimersByTimeAsync(10_000)
    const all = [...devices.relays, ...devices.directWays]
    for (const way of all) way.set('frozen')
    devices.write(0, 100)
    const flushed: boolean[] = []
    const flush = (): void => void devices.connection.flush().then((isTaken) => flushed.push(isTaken))
    flush()
    await vi.advanceTimersByTimeAsync(10_000)
    expect([flushed, devices.devices[1].read]).toEqual([[], 0])
    for (const way of all) way.set('up')
    await vi.advanceTimersByTimeAsync(60_000)
    expect([flushed, devices.devices[1].read]).toEqual([[true], 100])
    // Nothing is under way.
    flush()
    await vi.advanceTimersByTimeAsync(0)
    expect(flushed).toEqual([true, true])
    for (const way of all) way.set('frozen')
    devices.write(0, 100)
    flush()
    await vi.advanceTimersByTimeAsync(1_000)
    devices.connection.destroy()
    await vi.advanceTimersByTimeAsync(1_000)
    expect(flushed).toEqual([true, true, false])
  }))
