import { createServer } from 'node:net'
import { testCleanup, until } from '@cloudpal/test-kit'
import crypto from 'hypercore-crypto'
import { afterEach, expect, test, vi } from 'vitest'
import { findOnLan } from '../src/client/find-on-lan.ts'
import type { Attempt } from '../src/client/race.ts'
import type { LanLike } from '../src/index.ts'
import { nextConnection, startDevice } from './relays.ts'

/** A network where everybody hears everybody, and an impostor who answers first. */
function localNetwork(impostor: number): LanLike & { announced: number } {
  const ports = new Map<string, number>()
  const nameOf = (key: Uint8Array): string => Buffer.from(key).toString('hex')
  return {
    get announced() {
      return ports.size
    },
    announce: (key, port) => {
      ports.set(nameOf(key), port)
      return () => ports.delete(nameOf(key))
    },
    find: (key, onfound) => {
      const report = (port: number | undefined): void => {
        if (port !== undefined) onfound({ host: '127.0.0.1', port })
      }
      queueMicrotask(() => {
        report(impostor)
        report(ports.get(nameOf(key)))
      })
      return () => {}
    }
  }
}

afterEach(() => void vi.useRealTimers())

test('a device on the local network is reached without relay and DHT, past an impostor that is found first', async () => {
  let visits = 0
  const impostor = createServer((socket) => {
    visits++
    socket.on('error', () => {}).write(crypto.randomBytes(100))
  })
  await new Promise<void>((resolve) => impostor.listen(0, '127.0.0.1', resolve))
  testCleanup().defer('network', () => void impostor.close())
  const { port } = impostor.address() as { port: number }
  const lan = localNetwork(port)
  const bob = await startDevice(crypto.keyPair(), { lan, listen: { host: '127.0.0.1' } })
  const alice = await startDevice(crypto.keyPair(), { lan })
  expect(lan.announced).toBe(1)
  const incoming = nextConnection(bob)
  const connection = alice.connect(bob.publicKey)
  expect(await connection.opened).toBe(true)
  expect((await incoming).remotePublicKey).toEqual(alice.publicKey)
  expect(connection.path).toEqual({ kind: 'tcp', relay: null, transport: 'tcp' })
  await until(() => visits > 0)
  await bob.close()
  expect(lan.announced).toBe(0)
})

/** Addresses that say nothing, but for one; what was tried, and what was given up. */
function silentBut(good: string): {
  readonly tried: string[]
  readonly aborted: string[]
  readonly attempt: (address: string) => Attempt<string>
} {
  const [tried, aborted]: [string[], string[]] = [[], []]
  const attempt = (address: string): Attempt<string> => {
    tried.push(address)
    const result = address === good ? Promise.resolve(address) : new Promise<string>(() => {})
    return { result, abort: () => void aborted.push(address) }
  }
  return { tried, aborted, attempt }
}

test('a crowd of impostors that say nothing is tried a few at a time, and does not hide the device', async () => {
  vi.useFakeTimers()
  const { tried, aborted, attempt } = silentBut('device:1')
  let stopped = 0
  const lan: LanLike = {
    announce: () => () => {},
    find: (_, onfound) => {
      for (let port = 1; port <= 20; port++) onfound({ host: 'impostor', port })
      onfound({ host: 'device', port: 1 })
      return () => stopped++
    }
  }
  const { result } = findOnLan(lan, new Uint8Array(32), attempt)
  expect(tried).toHaveLength(16)
  await vi.advanceTimersByTimeAsync(1_500)
  expect(await result).toBe('device:1')
  expect(tried).toHaveLength(21)
  expect(aborted).toHaveLength(20)
  expect(stopped).toBe(1)
})

test('an address that has failed may be tried again, and one that is being tried is not', async () => {
  vi.useFakeTimers()
  const { tried, attempt } = silentBut('device:1')
  let report: (port: number) => void = () => {}
  const lan: LanLike = {
    announce: () => () => {},
    find: (_, onfound) => {
      report = (port) => onfound({ host: 'impostor', port })
      return () => {}
    }
  }
  const { result, abort } = findOnLan(lan, new Uint8Array(32), attempt)
  report(1)
  report(1)
  await vi.advanceTimersByTimeAsync(1_500)
  report(1)
  expect(tried).toEqual(['impostor:1', 'impostor:1'])
  abort()
  await expect(result).rejects.toMatchObject({ code: 'RELAY_UNREACHABLE' })
  report(2)
  expect(tried).toHaveLength(2)
})

test('an address that answers after it was given up is not taken', async () => {
  vi.useFakeTimers()
  const answers: ((address: string) => void)[] = []
  let aborted = 0
  const attempt = (): Attempt<string> => ({
    result: new Promise((resolve) => answers.push(resolve)),
    abort: () => void aborted++
  })
  const lan: LanLike = {
    announce: () => () => {},
    find: (_, onfound) => {
      onfound({ host: 'slow', port: 1 })
      return () => {}
    }
  }
  const search = findOnLan(lan, new Uint8Array(32), attempt)
  await vi.advanceTimersByTimeAsync(1_500)
  expect(aborted).toBe(1)
  answers[0]?.('slow:1')
  await vi.advanceTimersByTimeAsync(0)
  search.abort()
  await expect(search.result).rejects.toMatchObject({ code: 'RELAY_UNREACHABLE' })
})
