import NoiseSecretStream from '@hyperswarm/secret-stream'
import { replicate, testCleanup, tmpStore, until, type Wire } from '@cloudpal/test-kit'
import type Corestore from 'corestore'
import type Hypercore from 'hypercore'
import { expect, test } from 'vitest'
import { Authenticator, type Refusal } from '../src/connections/index.ts'
import { coreMemory, endOf } from '../src/cores/index.ts'
import { BlockJudge, IdentityMemory, Sigchain } from '../src/index.ts'
import { ada, addDevice, keyPair, keyPairs, manualTime } from './people.ts'
import { filled, texts } from './rolls.ts'

const now = manualTime()
const PEERS = Array.from({ length: 8 }, (_, i) => `peer ${i}`)

/** A device of Ada's, with all that an app would give it. */
interface Machine {
  readonly name: string
  readonly store: Corestore
  readonly authenticator: Authenticator
  readonly memory: IdentityMemory
  readonly refused: Refusal[]
}

/** Ada's laptop, a phone that writes the log `phone/log`, and others that read it. */
async function people(): Promise<{ chain: Sigchain; phone: Corestore; log: Hypercore }> {
  const chain = ada(now)
  for (const name of ['laptop', 'phone', ...PEERS])
    addDevice(chain, name, name === 'laptop' ? 'admin' : 'writer')
  const phone = await tmpStore()
  const log = await filled(phone, 'log', 3)
  const first = { name: 'phone/log', core: log.key as Uint8Array, previous: null }
  chain.rollCore({ device: keyPair('phone').publicKey, rolls: [first] }, keyPairs('control 0'))
  return { chain, phone, log }
}

async function machine(
  name: string,
  chain: Sigchain | null,
  { store, onstate = () => {} }: { store?: Corestore; onstate?: () => unknown } = {}
): Promise<Machine> {
  const home = store ?? (await tmpStore())
  const core = coreMemory(home.get({ name: 'identity' }))
  const memory = await IdentityMemory.open(core, identityOf(chain), chain?.toBytes() ?? null, { now })
  const refused: Refusal[] = []
  const authenticator = new Authenticator(memory, keyPair(name), {
    now,
    onstate: () => void onstate(),
    onrefused: (refusal) => void refused.push(refusal)
  })
  return { name, store: home, memory, authenticator, refused }
}

const { identity } = ada(now).state
const identityOf = (chain: Sigchain | null): Uint8Array => chain?.state.identity ?? identity

interface Meeting {
  readonly wire: Wire
  /** The first machine's end, and the second's. */
  readonly ends: readonly [NoiseSecretStream, NoiseSecretStream]
}

/** Both come to know each other, and replicate. */
async function meet(a: Machine, b: Machine): Promise<Meeting> {
  const ends: NoiseSecretStream[] = []
  const side = {
    replicate: (isInitiator: boolean): object => {
      const end = new NoiseSecretStream(isInitiator)
      end.on('error', () => {})
      testCleanup().defer('stream', () => end.destroy())
      ends.push(end)
      return end.rawStream as object
    }
  }
  const wire = replicate(side, side)
  const [one, other] = ends as [NoiseSecretStream, NoiseSecretStream]
  await Promise.all([a.authenticator.authenticate(one), b.authenticator.authenticate(other)])
  a.store.replicate(one)
  b.store.replicate(other)
  return { wire, ends: [one, other] }
}

/** A copy of a log, kept up to date. */
async function follow({ store }: Machine, log: Hypercore): Promise<Hypercore> {
  const copy = store.get({ key: log.key })
  await copy.ready()
  copy.download({ start: 0, end: -1 })
  return copy
}

async function revokePhone(chain: Sigchain, log: Hypercore, length: number): Promise<void> {
  const how = { reason: 'compromised', cutOffs: [await endOf(log, length)] } as const
  chain.revokeDevice(keyPair('phone').publicKey, how, keyPairs('laptop'))
}

test('eight peers that have heard take not one more byte of a revoked device, also none that was on its way', async () => {
  const { chain, phone, log } = await people()
  const [laptop, thief] = [await machine('laptop', chain), await machine('phone', chain, { store: phone })]
  const heard = new Set<string>()
  let late = 0
  const meetings: Meeting[] = []
  const copies: Hypercore[] = []
  for (const name of PEERS) {
    const peer = await machine(name, chain, { onstate: () => heard.add(name) })
    await meet(laptop, peer)
    const meeting = await meet(peer, thief)
    meeting.ends[0].on('data', (data: Uint8Array) => void (late += heard.has(name) ? data.length : 0))
    meetings.push(meeting)
    copies.push(await follow(peer, log))
  }
  await until(() => copies.every(({ contiguousLength }) => contiguousLength === 3))

  for (const { wire } of meetings) wire.pause()
  await log.append(texts(3, 50))
  await revokePhone(chain, log, 3)
  await laptop.authenticator.publish(chain.events)
  await until(() => heard.size === 8)
  for (const { wire } of meetings) wire.resume()
  await log.append('and more')
  await until(() => meetings.every(({ ends }) => ends[0].destroyed && ends[1].destroyed))
  expect(late).toBe(0)
  expect(copies.map(({ length }) => length)).toEqual(Array(8).fill(3))
})

test('it goes from one to the next: of eight in a row only the first is told by who revoked', async () => {
  const { chain, phone, log } = await people()
  const [laptop, thief] = [await machine('laptop', chain), await machine('phone', chain, { store: phone })]
  const row = [laptop]
  const toThief: NoiseSecretStream[] = []
  for (const name of PEERS) {
    const peer = await machine(name, chain)
    await meet(row.at(-1) as Machine, peer)
    toThief.push((await meet(peer, thief)).ends[0])
    row.push(peer)
  }
  await revokePhone(chain, log, 3)
  await laptop.authenticator.publish(chain.events)
  await until(() => toThief.every(({ destroyed }) => destroyed))
  expect(row.slice(1).flatMap(({ refused }) => refused.map(({ code }) => code))).toEqual(
    Array(8).fill('KEY_ROTATION_DEVICE_REVOKED')
  )
  // The thief is closed before that is on the disk.
  await until(() => row.every(({ memory }) => memory.state.seq === chain.state.seq))
})

test('who was away takes from the thief till it hears, of anybody; then closes it, lists what it took, and remembers', async () => {
  const { chain, phone, log } = await people()
  const [laptop, thief] = [await machine('laptop', chain), await machine('phone', chain, { store: phone })]
  const [near, away] = [await machine('peer 0', chain), await machine('peer 1', chain)]
  await revokePhone(chain, log, 3)
  await meet(laptop, near)
  await laptop.authenticator.publish(chain.events)
  await until(() => near.memory.state.seq === chain.state.seq)

  // Nobody can know what nobody has told: until then the thief passes for what it was.
  const { ends } = await meet(away, thief)
  const copy = await follow(away, log)
  await log.append(texts(3, 5))
  await until(() => copy.contiguousLength === 5)
  await meet(away, near)
  await until(() => ends[0].destroyed && ends[1].destroyed)
  expect(away.refused.map(({ code }) => code)).toEqual(['KEY_ROTATION_DEVICE_REVOKED'])

  await until(() => away.memory.state.seq === chain.state.seq)
  const judge = new BlockJudge(away.memory.state)
  const key = log.key as Uint8Array
  const treeHash = await copy.treeHash(judge.endOf(key)?.length)
  const verdicts = Array.from({ length: 5 }, (_, i) => judge.acceptBlock(key, i, treeHash))
  expect(verdicts).toEqual([true, true, true, false, false])
  expect(judge.quarantine).toEqual([{ core: key, start: 3, end: 5, reason: 'past the end' }])
  expect(String(await copy.get(4, { wait: false }))).toBe('block 4')

  // After a restart nothing has to be told again.
  const again = await machine('peer 1', null, { store: away.store })
  await expect(meet(again, thief)).rejects.toMatchObject({ code: 'KEY_ROTATION_DEVICE_REVOKED' })
})
