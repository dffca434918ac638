import NoiseSecretStream from '@hyperswarm/secret-stream'
import { testCleanup, until } from '@cloudpal/test-kit'
import c from 'compact-encoding'
import Protomux from 'protomux'
import { expect, test } from 'vitest'
import { Authenticator, type AuthenticatorOptions, type Refusal } from '../src/connections/index.ts'
import { channelId, encodeHello } from '../src/connections/messages.ts'
import {
  createReceipt,
  type Device,
  IdentityMemory,
  type KeyPair,
  readReceipt,
  Sigchain,
  verify
} from '../src/index.ts'
import { ada, addDevice, codeOf, DAY, keyPair, keyPairs, manualTime, publicKeys, START } from './people.ts'

/** Two ends of an encrypted connection. */
function connect(): [NoiseSecretStream, NoiseSecretStream] {
  const [a, b] = [new NoiseSecretStream(true), new NoiseSecretStream(false)]
  for (const end of [a, b]) end.on('error', () => {})
  const [one, other] = [a.rawStream, b.rawStream]
  one?.pipe(other)
  other?.pipe(one)
  testCleanup().defer('stream', () => {
    a.destroy()
    b.destroy()
  })
  return [a, b]
}

const now = manualTime()

interface Party {
  memory: IdentityMemory
  authenticator: Authenticator
  refused: Refusal[]
}

async function party(
  device: KeyPair | string,
  chain: Uint8Array,
  options: AuthenticatorOptions = {}
): Promise<Party> {
  let bytes: Uint8Array | null = null
  const store = {
    read: async () => bytes,
    write: async (given: Uint8Array) => {
      // As slow as a disk: what comes in meanwhile has to wait.
      for (let turn = 0; turn < 100; turn++) await new Promise((next) => setImmediate(next))
      bytes = given
    }
  }
  const memory = await IdentityMemory.open(store, identity, chain, { now })
  const refused: Refusal[] = []
  const keys = typeof device === 'string' ? keyPair(device) : device
  const onrefused = (refusal: Refusal): void => void refused.push(refusal)
  return { memory, refused, authenticator: new Authenticator(memory, keys, { now, onrefused, ...options }) }
}

/** Ada's laptop, phone and tablet. */
const chain = ada(now)
for (const name of ['laptop', 'phone', 'tablet'])
  addDevice(chain, name, name === 'laptop' ? 'admin' : 'writer')
const { identity } = chain.state
const bytes = chain.toBytes()
const copy = (): Sigchain => Sigchain.open(bytes, { trusted: identity }, { now })

async function meet(a: Party, b: Party): Promise<PromiseSettledResult<Device>[]> {
  const [one, other] = connect()
  return Promise.allSettled([a.authenticator.authenticate(one), b.authenticator.authenticate(other)])
}

const outcome = (results: PromiseSettledResult<Device>[]): string[] =>
  results.map((result) =>
    result.status === 'fulfilled'
      ? result.value.name
      : ((result.reason as { code?: string }).code ?? String(result.reason))
  )

test('two devices know each other, both ways', async () => {
  const [laptop, phone] = [await party('laptop', bytes), await party('phone', bytes)]
  expect(outcome(await meet(laptop, phone))).toEqual(['phone', 'laptop'])
})

test('it takes no round trip of its own: one flight more than the handshake, in which the first data would go', async () => {
  const ends = [new NoiseSecretStream(true), new NoiseSecretStream(false)] as const
  const flying: Uint8Array[][] = [[], []]
  for (const [i, end] of ends.entries()) {
    end.on('error', () => {})
    testCleanup().defer('stream', () => end.destroy())
    end.rawStream?.on('data', (data) => void flying[i]?.push(data))
  }
  const [laptop, phone] = [await party('laptop', bytes), await party('phone', bytes)]
  const known: string[] = []
  const asked = [laptop, phone].map(async ({ authenticator }, i) => {
    known.push((await authenticator.authenticate(ends[i] as NoiseSecretStream)).name)
  })
  // Noise XX is three flights, from the initiator, to it, from it.
  for (let flight = 0; flight < 4; flight++) {
    const from = flight % 2
    await until(() => (flying[from] ?? []).length > 0)
    // All of a flight leaves within a few turns of the loop.
    for (let turn = 0; turn < 20; turn++) await new Promise((next) => setImmediate(next))
    for (const data of flying[from]?.splice(0) ?? []) ends[1 - from]?.rawStream?.write(data)
  }
  await Promise.all(asked)
  expect(known).toEqual(['laptop', 'phone'])
})

test('a stranger is refused, and so is who names a device without its key', async () => {
  const laptop = await party('laptop', bytes)
  const stranger = await party('stranger', bytes)
  expect(outcome(await meet(laptop, stranger))[0]).toBe('KEY_ROTATION_DEVICE_UNKNOWN')
  const liar = await party(
    { publicKey: keyPair('phone').publicKey, secretKey: keyPair('stranger').secretKey },
    bytes
  )
  expect(outcome(await meet(laptop, liar))[0]).toBe('KEY_ROTATION_BAD_SIGNATURE')
  expect(laptop.refused.map(({ code }) => code)).toEqual([
    'KEY_ROTATION_DEVICE_UNKNOWN',
    'KEY_ROTATION_BAD_SIGNATURE'
  ])
})

/** The other side, by hand. */
function speak(connection: NoiseSecretStream, hello: Uint8Array): { close(): void } | null {
  const channel = Protomux.from(connection).createChannel<Uint8Array>({
    protocol: 'cloudpal/key-rotation/1',
    id: channelId(identity),
    unique: true,
    handshake: c.raw
  })
  for (let message = 0; message < 2; message++) channel?.addMessage<Uint8Array>({ encoding: c.raw })
  channel?.open(hello)
  return channel
}

test('a device that leaves the channel leaves the connection: it could not be closed when it is revoked', async () => {
  const laptop = await party('laptop', bytes)
  const [one, other] = connect()
  const asked = laptop.authenticator.authenticate(one)
  await other.opened
  const place = { identity, handshakeHash: other.handshakeHash as Uint8Array, isInitiator: false }
  const hello = { device: keyPair('phone').publicKey, seq: 3, hash: chain.state.hash }
  const channel = speak(other, encodeHello(hello, place, keyPair('phone')))
  expect((await asked).name).toBe('phone')
  channel?.close()
  await until(() => one.destroyed)
})

test('a hello is good on one connection and from one side only', async () => {
  const laptop = await party('laptop', bytes)
  for (const place of ['another connection', 'the other side'] as const) {
    const [one, other] = connect()
    const asked = laptop.authenticator.authenticate(one)
    await other.opened
    const said = {
      identity,
      handshakeHash:
        place === 'another connection' ? new Uint8Array(64) : (other.handshakeHash as Uint8Array),
      isInitiator: place === 'the other side'
    }
    const hello = encodeHello(
      { device: keyPair('phone').publicKey, seq: 3, hash: chain.state.hash },
      said,
      keyPair('phone')
    )
    speak(other, hello)
    await expect(asked).rejects.toMatchObject({ code: 'KEY_ROTATION_BAD_SIGNATURE' })
    expect(one.destroying).toBe(true)
  }
})

test('a device that was revoked is closed by all who are connected, also those that only hear of it from others', async () => {
  const mine = copy()
  const laptop = await party('laptop', bytes)
  const tablet = await party('tablet', bytes)
  const thief = await party('phone', bytes)
  const [toLaptop, fromThief] = connect()
  const [toTablet, fromThief2] = connect()
  const [laptopEnd, tabletEnd] = connect()
  await Promise.all([
    laptop.authenticator.authenticate(toLaptop),
    thief.authenticator.authenticate(fromThief),
    tablet.authenticator.authenticate(toTablet),
    thief.authenticator.authenticate(fromThief2),
    laptop.authenticator.authenticate(laptopEnd),
    tablet.authenticator.authenticate(tabletEnd)
  ])
  mine.revokeDevice(keyPair('phone').publicKey, { reason: 'compromised' }, keyPairs('laptop'))
  await laptop.authenticator.publish(mine.events)
  expect(toLaptop.destroying).toBe(true)
  await until(() => toTablet.destroyed && fromThief.destroyed && fromThief2.destroyed)
  expect(tablet.refused).toMatchObject([{ code: 'KEY_ROTATION_DEVICE_REVOKED' }])
  expect([laptopEnd.destroyed, tabletEnd.destroyed]).toEqual([false, false])
  expect(outcome(await meet(tablet, thief))[0]).toBe('KEY_ROTATION_DEVICE_REVOKED')
})

test('a new device brings the events that let it in, to one that has not heard of it', async () => {
  const mine = copy()
  addDevice(mine, 'new phone')
  const [tablet, phone] = [await party('tablet', bytes), await party('new phone', mine.toBytes())]
  expect(outcome(await meet(tablet, phone))).toEqual(['new phone', 'tablet'])
  expect(tablet.memory.state).toEqual(mine.state)
  // A witness's receipt tells the other that it was heard.
  await until(() => phone.authenticator.receipts.length > 0)
  const { witnesses } = verify(mine.toBytes(), {
    trusted: identity,
    witnesses: { receipts: phone.authenticator.receipts }
  })
  expect(witnesses.confirmed.map(({ witness }) => witness)).toEqual([keyPair('tablet').publicKey])
  expect(readReceipt(createReceipt(mine.state, keyPair('tablet'), START)).seq).toBe(4)
})

test('long chains go over in parts', async () => {
  const mine = copy()
  for (let i = 0; i < 1_200; i++) addDevice(mine, `reader ${i}`, 'reader')
  const [tablet, laptop] = [await party('tablet', bytes), await party('laptop', mine.toBytes())]
  expect(outcome(await meet(tablet, laptop))).toEqual(['laptop', 'tablet'])
  await until(() => tablet.memory.state.seq === mine.state.seq)
})

test('two histories are seen by both, who stay connected, and freeze', async () => {
  const [one, other] = [copy(), copy()]
  addDevice(one, 'one')
  addDevice(other, 'other')
  let seen = 0
  const onduplicity = (): void => void seen++
  const laptop = await party('laptop', one.toBytes(), { onduplicity })
  const tablet = await party('tablet', other.toBytes(), { onduplicity })
  await meet(laptop, tablet)
  await until(() => seen === 2)
  expect(laptop.memory.duplicity?.seq).toBe(4)
  expect(tablet.memory.duplicity?.branches.map((events) => events.length)).toEqual([5, 5])
})

test('a recovery that is held back closes no connection', async () => {
  const clock = manualTime()
  const theirs = Sigchain.open(bytes, { trusted: identity }, { now: clock })
  const keys = { control: { keys: publicKeys('new control') }, next: { keys: publicKeys('new next') } }
  theirs.announceRecovery(keys, keyPairs('friend 0', 'friend 1', 'new control'))
  clock.at += 7 * DAY
  theirs.recover(keyPairs('new control'))
  now.at = START + 30 * DAY
  try {
    const [laptop, tablet] = [await party('laptop', bytes), await party('tablet', theirs.toBytes())]
    expect(outcome(await meet(laptop, tablet))).toEqual(['tablet', 'laptop'])
    await until(() => laptop.memory.state.pending !== null)
    expect([laptop.refused, tablet.refused]).toEqual([[], []])
  } finally {
    now.at = START
  }
})

test('a device that expires is closed then', async () => {
  const mine = copy()
  addDevice(mine, 'guest', 'reader', keyPairs('laptop'), START + 2)
  const clock = manualTime()
  const laptop = await party('laptop', mine.toBytes(), { now: clock })
  const guest = await party('guest', mine.toBytes(), { now: clock })
  const [a, b] = connect()
  await Promise.all([laptop.authenticator.authenticate(a), guest.authenticator.authenticate(b)])
  clock.at += 2
  await until(() => a.destroying)
  expect(laptop.refused[0]?.code).toBe('KEY_ROTATION_DEVICE_EXPIRED')
})

test('who says nothing is closed, and who is asked twice answers once', async () => {
  const laptop = await party('laptop', bytes, { patienceMs: 1 })
  const [a] = connect()
  await expect(laptop.authenticator.authenticate(a)).rejects.toMatchObject({ code: 'KEY_ROTATION_CLOSED' })
  const [patient, phone] = [await party('laptop', bytes), await party('phone', bytes)]
  const [b, other] = connect()
  const first = patient.authenticator.authenticate(b)
  await expect(patient.authenticator.authenticate(b)).rejects.toMatchObject({ code: 'KEY_ROTATION_CLOSED' })
  await phone.authenticator.authenticate(other)
  expect((await first).name).toBe('phone')
  expect(codeOf(() => new Authenticator(laptop.memory, keyPair('laptop'), { patience: 1 } as never))).toBe(
    'KEY_ROTATION_BAD_ARGUMENT'
  )
})
