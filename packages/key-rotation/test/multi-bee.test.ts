import { MultiBee, type DeviceStatus } from '@cloudpal/multi-bee'
import { replicate, testCleanup, tmpStore, until } from '@cloudpal/test-kit'
import b4a from 'b4a'
import type Corestore from 'corestore'
import { expect, test } from 'vitest'
import { BlockJudge, deviceOf, type Sigchain } from '../src/index.ts'
import { ada, addDevice, codeOf, keyPair, keyPairs } from './people.ts'
import { endLog, endLogs } from './writers.ts'

interface Machine {
  readonly name: string
  readonly store: Corestore
  readonly db: MultiBee
  /** Key of its log. */
  readonly log: Uint8Array
}

async function machine(name: string, of: Machine | null = null): Promise<Machine> {
  const store = await tmpStore()
  const db = new MultiBee(store, {
    name,
    ...(of && { key: keyOf(of.db), encryptionKey: of.db.encryptionKey })
  })
  testCleanup().defer('stream', () => db.close())
  await db.ready()
  return { name, store, db, log: db.writerKey as Uint8Array }
}

const keyOf = (db: MultiBee): Uint8Array => db.key as Uint8Array

/** A device gets its place in the identity, and its log one. Then the database lets the log in. */
async function letIn(chain: Sigchain, { db }: Machine, { name, log }: Machine): Promise<void> {
  const device = addDevice(chain, name, name === 'laptop' ? 'admin' : 'writer')
  const first = { name: `notes/${name}`, core: log, previous: null }
  chain.rollCore({ device, rolls: [first] }, keyPairs('control 0'))
  await db.addWriter(log, { name })
}

/** Ada's laptop, phone and tablet, all of which write one database, and are connected. */
async function people(): Promise<{ chain: Sigchain; laptop: Machine; phone: Machine; tablet: Machine }> {
  const chain = ada()
  const laptop = await machine('laptop')
  const [phone, tablet] = [await machine('phone', laptop), await machine('tablet', laptop)]
  for (const device of [laptop, phone, tablet]) await letIn(chain, laptop, device)
  for (const other of [phone, tablet]) replicate(laptop.db, other.db)
  await until(() => phone.db.writable && tablet.db.writable)
  return { chain, laptop, phone, tablet }
}

async function untilShown(key: string, value: unknown, ...machines: Machine[]): Promise<void> {
  for (const { db } of machines) await until(async () => (await db.get(key))?.value === value)
}

async function statusOf({ db }: Machine, { log }: Machine): Promise<DeviceStatus> {
  const status = (await db.status()).devices.find(({ key }) => b4a.equals(key, log))
  if (status === undefined) throw new Error('no such log')
  return status
}

/** How many blocks of a log an identity says that count, and do not, of those that a machine has. */
async function judged(chain: Sigchain, at: Machine, { log }: Machine): Promise<[number, number]> {
  const judge = new BlockJudge(chain.state)
  const copy = at.store.get({ key: log })
  await copy.ready()
  const end = judge.endOf(log)
  const treeHash = end === null || copy.length < end.length ? null : await copy.treeHash(end.length)
  const verdicts = Array.from({ length: copy.length }, (_, i) => judge.acceptBlock(log, i, treeHash))
  await copy.close()
  return [verdicts.filter(Boolean).length, verdicts.filter((isAccepted) => !isAccepted).length]
}

test('the end that a database gives a log is the one that the identity names: both count the same blocks, and nothing is lost', async () => {
  const { chain, laptop, phone, tablet } = await people()
  await phone.db.put('kept', 1)
  await untilShown('kept', 1, laptop, tablet)
  const kept = (await statusOf(laptop, phone)).applied
  await phone.db.put('late', 'a thief was here')
  await phone.db.put('kept', 2)
  await untilShown('kept', 2, laptop, tablet)

  const end = await endLog(laptop.db, phone.log, kept)
  chain.revokeDevice(
    keyPair('phone').publicKey,
    { reason: 'compromised', cutOffs: [end] },
    keyPairs('laptop')
  )
  await untilShown('kept', 1, laptop, tablet)
  for (const machine of [laptop, tablet]) {
    expect(await machine.db.get('late')).toBe(null)
    const { applied, quarantined } = await statusOf(machine, phone)
    expect([applied, quarantined]).toEqual(await judged(chain, machine, phone))
    expect([applied, quarantined]).toEqual([kept, 2])
    expect(await judged(chain, machine, tablet)).toEqual([(await statusOf(machine, tablet)).applied, 0])
  }
  const { quarantined } = await tablet.db.quarantined(phone.log)
  expect(quarantined.map(({ key, value }) => [key, value])).toEqual([
    ['late', 'a thief was here'],
    ['kept', 2]
  ])
  // Killed between the two, it goes on: the end is the one that was given.
  expect(await endLog(laptop.db, phone.log)).toEqual(end)
})

test('who hears of a revocation first ends the log, as soon as it has merged what counts; all end it at one place', async () => {
  const { chain, laptop, phone, tablet } = await people()
  const wire = replicate(phone.db, tablet.db)
  await phone.db.put('kept', 1)
  await untilShown('kept', 1, laptop, tablet)
  // The laptop has more of the log than the tablet, when it revokes the phone by its event alone.
  await wire.cut()
  const late = await machine('late tablet', laptop)
  await letIn(chain, laptop, late)
  const { applied } = await statusOf(laptop, phone)
  const copy = laptop.store.get({ key: phone.log })
  await copy.ready()
  const end = { core: phone.log, fork: copy.fork, length: applied, treeHash: await copy.treeHash(applied) }
  await copy.close()
  const how = { reason: 'lost', cutOffs: [end] } as const
  chain.revokeDevice(keyPair('phone').publicKey, how, keyPairs('control 0'))
  expect(await endLogs(late.db, chain.state)).toBe(true)
  expect((await late.db.writers()).length).toBe(1)

  replicate(tablet.db, late.db)
  await until(async () => late.db.writable && (await endLogs(late.db, chain.state)))
  expect(await endLogs(tablet.db, chain.state)).toBe(true)
  await until(async () => !(await statusOf(laptop, phone)).isMember)
  for (const { db } of [laptop, tablet, late]) {
    const writer = (await db.writers()).find(({ key }) => b4a.equals(key, phone.log))
    expect(writer?.cutOff).toMatchObject({ length: applied, treeHash: end.treeHash })
  }
})

test('a device comes back under a new key with a new log: neither the old key nor the old log ever counts again', async () => {
  const { chain, laptop, phone, tablet } = await people()
  await phone.db.put('kept', 1)
  await untilShown('kept', 1, laptop, tablet)
  const end = await endLog(laptop.db, phone.log)
  chain.revokeDevice(keyPair('phone').publicKey, { reason: 'lost', cutOffs: [end] }, keyPairs('laptop'))
  expect(codeOf(() => addDevice(chain, 'phone'))).toBe('KEY_ROTATION_KEY_REUSED')
  await expect(laptop.db.addWriter(phone.log)).rejects.toMatchObject({ code: 'MULTI_BEE_WRITER_RETIRED' })

  const found = await machine('phone, found again', laptop)
  await letIn(chain, laptop, found)
  replicate(found.db, tablet.db)
  await until(() => found.db.writable)
  await found.db.put('found', true)
  await untilShown('found', true, laptop, tablet)
  await untilShown('kept', 1, found)
  expect(await judged(chain, tablet, found)).toEqual([(await statusOf(tablet, found)).applied, 0])
  expect(deviceOf(chain.state, keyPair('phone').publicKey)?.revoked?.reason).toBe('lost')
})

test('roles: who only reads has no log that counts, and a log that a thief lets into the database is not the identity’s', async () => {
  const { chain, laptop, phone, tablet } = await people()
  const frame = await machine('picture frame', laptop)
  const device = addDevice(chain, frame.name, 'reader')
  const first = { name: 'notes/picture frame', core: frame.log, previous: null }
  const give = (): unknown => chain.rollCore({ device, rolls: [first] }, keyPairs('control 0'))
  expect(codeOf(give)).toBe('KEY_ROTATION_NO_RIGHT')
  replicate(frame.db, tablet.db)
  await tablet.db.put('picture', 1)
  await untilShown('picture', 1, frame)
  expect(frame.db.writable).toBe(false)

  // Of a database every member may let others in. Which of them are devices of this person, only the identity says.
  const accomplice = await machine('accomplice', phone)
  await phone.db.addWriter(accomplice.log, { name: 'accomplice' })
  replicate(accomplice.db, phone.db)
  await until(() => accomplice.db.writable)
  await accomplice.db.put('picture', 'of a thief')
  await untilShown('picture', 'of a thief', laptop, tablet)
  const judge = new BlockJudge(chain.state)
  expect(judge.judge(accomplice.log, 0)).toBe('unknown')
  const strangers = (await laptop.db.writers()).filter(({ key }) => judge.judge(key, 0) === 'unknown')
  expect(strangers.map(({ name }) => name)).toEqual(['accomplice'])
  for (const { key } of strangers) await laptop.db.removeWriter(key, { length: 0 })
  await untilShown('picture', 1, laptop, tablet, frame)
  expect((await laptop.db.quarantined(accomplice.log)).quarantined.length).toBe(1)
})
