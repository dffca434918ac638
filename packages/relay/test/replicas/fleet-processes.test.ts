import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface, type Interface } from 'node:readline'
import crypto from 'hypercore-crypto'
import { testCleanup, until } from '@cloudpal/test-kit'
import { expect, test } from 'vitest'
import { ReplicaSet } from '../../src/index.ts'
import { freePorts } from '../free-port.ts'

const PROCESSES = join(import.meta.dirname, '../processes')
const [RELAYS, DEVICES, PER_PROCESS] = [3, 24, 8]
/** Of each relay: what 24 devices with two registrations each need of three, and as much again. */
const CONNECTIONS = 80

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
const keyPair = (seed: number): ReturnType<typeof crypto.keyPair> => crypto.keyPair(Buffer.alloc(32, seed))

/** A process that says a line of JSON for each word. */
class Worker {
  readonly child: ChildProcess
  readonly #lines: AsyncIterator<string>

  constructor(script: string, config: object) {
    const args = [join(PROCESSES, script), JSON.stringify(config)]
    this.child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] })
    const lines: Interface = createInterface({ input: this.child.stdout as NodeJS.ReadableStream })
    this.#lines = lines[Symbol.asyncIterator]()
    testCleanup().defer('network', () => this.kill('SIGKILL'))
  }

  async ask(word: string): Promise<Record<string, unknown>> {
    if (word !== '') this.child.stdin?.write(`${word}\n`)
    const { value } = await this.#lines.next()
    return JSON.parse(value ?? '{}') as Record<string, unknown>
  }

  tell(word: string): void {
    this.child.stdin?.write(`${word}\n`)
  }

  async kill(signal: 'SIGKILL'): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return
    const gone = once(this.child, 'exit')
    this.child.kill(signal)
    await gone
  }
}

interface Outcome {
  answered: number
  failed: string[]
  registered: number[]
  /** Keys of relays. */
  places: string[][]
  kinds: string[]
}

test(`of ${RELAYS} relays one is killed, comes back, and another one drains: no request of ${DEVICES} devices fails`, async () => {
  const owner = keyPair(1)
  const seeds = Array.from({ length: RELAYS }, (_, i) => 2 + i)
  const ports = await freePorts(RELAYS)
  const members = seeds.map((seed, i) => ({
    key: keyPair(seed).publicKey,
    addresses: [`tcp://127.0.0.1:${ports[i]}`]
  }))
  const fleet = { owner: hex(owner.publicKey), set: hex(ReplicaSet.sign(members, 1, owner).bytes) }
  const allow = Array.from({ length: DEVICES }, (_, i) => hex(keyPair(100 + i).publicKey))
  const startRelay = async (i: number): Promise<Worker> => {
    const config = { ...fleet, seed: seeds[i], port: ports[i], allow, connections: CONNECTIONS }
    const relay = new Worker('fleet-relay.mjs', config)
    await relay.ask('')
    return relay
  }
  const relays = await Promise.all(seeds.map((_, i) => startRelay(i)))
  const groups = Array.from({ length: DEVICES / PER_PROCESS }, (_, group) => {
    const own = Array.from({ length: PER_PROCESS }, (_, i) => group * PER_PROCESS + i)
    return new Worker('fleet-devices.mjs', { ...fleet, seeds: own, count: DEVICES, keepAliveMs: 1_000 })
  })
  await Promise.all(groups.map((group) => group.ask('')))
  const outcomes = async (): Promise<Outcome[]> =>
    (await Promise.all(groups.map((group) => group.ask('stats')))) as unknown as Outcome[]
  const spread = async (there: readonly Worker[]): Promise<number[]> =>
    (await Promise.all(there.map((relay) => relay.ask('stats')))).map(({ registered }) => Number(registered))
  /** Of each device, at which relays it is seen from now on: who was just reached is registered nowhere, for a moment, and there is always one. */
  const watching = (): (() => Promise<Set<string>[]>) => {
    const seen = Array.from({ length: DEVICES }, () => new Set<string>())
    return async () => {
      const places = (await outcomes()).flatMap((outcome) => outcome.places)
      for (const [device, keys] of places.entries()) for (const key of keys) seen[device]?.add(key)
      return seen
    }
  }
  /** Waits until each device was seen at all of these. */
  const allAt = async (there: readonly number[]): Promise<void> => {
    const look = watching()
    const keys = there.map((i) => hex(keyPair(seeds[i] ?? 0).publicKey))
    await until(async () => (await look()).every((seen) => keys.every((key) => seen.has(key))))
  }
  /** Waits until each of them has more than a few, all at the same time. */
  const spreadOver = async (there: readonly (Worker | undefined)[]): Promise<void> => {
    let counts: number[] = []
    const isSpread = async (): Promise<boolean> => {
      counts = await spread(there as Worker[])
      return counts.every((count) => count > DEVICES / 4)
    }
    await until(isSpread, { message: () => `more than ${DEVICES / 4} each: ${counts.join()}` })
  }
  const answered = async (): Promise<number> =>
    (await outcomes()).reduce((sum, { answered }) => sum + answered, 0)
  const more = async (): Promise<void> => {
    const before = await answered()
    await until(async () => (await answered()) > before + 5 * DEVICES)
  }

  await until(async () =>
    (await outcomes()).every(({ registered }) => registered.every((count) => count >= 2))
  )
  for (const group of groups) group.tell('go')
  await more()
  await spreadOver(relays)

  await relays[0]?.kill('SIGKILL')
  await more()
  await allAt([1, 2])
  relays[0] = await startRelay(0)
  // By load alone some of those who are elsewhere come back to it.
  await spreadOver(relays)

  // Whether all have left in its time is a matter of the machine; who has not is cut off, and goes on elsewhere (`drain` has those who have the time).
  const drained = await (relays[1] as Worker).ask('drain')
  expect(drained).toMatchObject({ drained: true })
  await more()
  await allAt([0, 2])
  await spreadOver([relays[0], relays[2]])

  expect((await outcomes()).flatMap(({ failed }) => failed)).toEqual([])
  expect((await outcomes()).flatMap(({ kinds }) => kinds)).toEqual(expect.arrayContaining(['relay']))
}, 600_000)

test('a relay that is frozen is dead to the others after three beats, and alive when it goes on', async () => {
  const owner = keyPair(1)
  const ports = await freePorts(2)
  const members = ports.map((port, i) => ({
    key: keyPair(2 + i).publicKey,
    addresses: [`tcp://127.0.0.1:${port}`]
  }))
  const fleet = { owner: hex(owner.publicKey), set: hex(ReplicaSet.sign(members, 1, owner).bytes) }
  const [watching, frozen] = ports.map(
    (port, i) => new Worker('fleet-relay.mjs', { ...fleet, seed: 2 + i, port, allow: [], connections: 10 })
  ) as [Worker, Worker]
  await Promise.all([watching.ask(''), frozen.ask('')])
  const states = async (): Promise<unknown> => (await watching.ask('stats'))['states']
  const isAlive = async (): Promise<boolean> => String(await states()).includes('alive')
  await until(isAlive)
  frozen.child.kill('SIGSTOP')
  await until(async () => String(await states()).includes('dead'))
  frozen.child.kill('SIGCONT')
  await until(isAlive)
})

test('devices that ping seldom leave a relay that is frozen once the others have missed three of its beats', async () => {
  const owner = keyPair(1)
  const seeds = [2, 3, 4]
  const ports = await freePorts(seeds.length)
  const members = seeds.map((seed, i) => ({
    key: keyPair(seed).publicKey,
    addresses: [`tcp://127.0.0.1:${ports[i]}`]
  }))
  const fleet = { owner: hex(owner.publicKey), set: hex(ReplicaSet.sign(members, 1, owner).bytes) }
  const own = Array.from({ length: PER_PROCESS }, (_, i) => i)
  const allow = own.map((i) => hex(keyPair(100 + i).publicKey))
  const relays = seeds.map(
    (seed, i) =>
      new Worker('fleet-relay.mjs', { ...fleet, seed, port: ports[i], allow, connections: CONNECTIONS })
  )
  await Promise.all(relays.map((relay) => relay.ask('')))
  // They find out that it is there from the other relays: alone they would ask in ten minutes.
  const devices = new Worker('fleet-devices.mjs', { ...fleet, seeds: own, count: 1, keepAliveMs: 600_000 })
  await devices.ask('')
  const places = async (): Promise<string[][]> =>
    ((await devices.ask('stats')) as unknown as Outcome).places.map((keys) => keys.sort())
  await until(async () => (await places()).every(({ length }) => length === 2))
  const states = async (relay: Worker): Promise<unknown[]> =>
    (await relay.ask('stats'))['states'] as unknown[]
  for (const relay of relays)
    await until(async () => (await states(relay)).every((state) => state === 'alive'))
  relays[0]?.child.kill('SIGSTOP')
  const rest = members
    .slice(1)
    .map(({ key }) => hex(key))
    .sort()
  await until(async () => (await places()).every((keys) => keys.join() === rest.join()))
})
