import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { tmpDir } from '@cloudpal/test-kit'
import { expect, test } from 'vitest'
import { createTimestampRequest, Timestamps } from '../src/timestamp/index.ts'
import {
  BlockJudge,
  createReceipt,
  decodeEvent,
  encodeChain,
  IdentityMemory,
  resolve,
  Sigchain,
  verify
} from '../src/index.ts'
import { encodeBody, encodeEvent } from '../src/format/event.ts'
import {
  ada,
  addDevice,
  bytesOf,
  codeOf,
  DAY,
  keyPair,
  keyPairs,
  manualTime,
  publicKeys,
  START
} from './people.ts'
import { codeOfAsync, copyOf, family, meet, party, ram } from './parties.ts'
import { hasOpenssl, timeService } from './time-service.ts'

const keysOf = (control: string, next: string) => ({
  control: { keys: publicKeys(control) },
  next: { keys: publicKeys(next) }
})
const now = () => START + 30 * DAY

/** Events without their signatures, which have the same hashes. */
function unsigned(events: readonly Uint8Array[]): Uint8Array[] {
  return events.map((bytes) => encodeEvent(encodeBody(decodeEvent(bytes)), []))
}

test('1: who passes a stronger history on, and has no keys, cannot make a memory that never opens again', async () => {
  const mine = family()
  const before = copyOf(mine)
  addDevice(before, 'watch')
  mine.rotate(keysOf('control 1', 'control 2'), keyPairs('control 1'))
  const store = ram()
  const memory = await IdentityMemory.open(store, mine.state.identity, before.toBytes(), { now })
  const last = mine.events.slice(-1)
  await codeOfAsync(memory.receive(encodeChain([...unsigned(mine.events.slice(0, -1)), ...last])))
  expect(await codeOfAsync(IdentityMemory.open(store, mine.state.identity, null, { now }))).toBe(null)
})

test('1b: nor a second history that can be shown, and not be chosen', async () => {
  const [mine, theirs] = [family(), family()]
  addDevice(mine, 'mine')
  addDevice(theirs, 'theirs')
  const memory = await IdentityMemory.open(ram(), mine.state.identity, mine.toBytes(), { now })
  await codeOfAsync(memory.receive([...unsigned(theirs.events.slice(0, -1)), ...theirs.events.slice(-1)]))
  expect(memory.duplicity === null ? null : await codeOfAsync(memory.choose(1))).toBe(null)
})

/** A quorum that has brought Ada back, who has rotated since. */
function broughtBack(): { mine: Sigchain; before: Sigchain } {
  const clock = manualTime()
  const begun = ada(clock)
  const before = copyOf(begun)
  begun.announceRecovery(keysOf('new', 'new next'), keyPairs('friend 0', 'friend 1', 'new'))
  clock.at += 7 * DAY
  begun.recover(keyPairs('new'))
  begun.rotate(keysOf('new next', 'new next 2'), keyPairs('new next'))
  return { mine: begun, before }
}

test('2: keys that were next before a recovery take nothing over after it', async () => {
  const { mine, before: theirs } = broughtBack()
  theirs.rotate(keysOf('control 1', 'thief'), keyPairs('control 1'))
  const memory = await IdentityMemory.open(ram(), mine.state.identity, mine.toBytes(), { now })
  await codeOfAsync(memory.receive(theirs.toBytes()))
  expect(memory.state.hash).toEqual(mine.state.hash)
})

test('3: keys that a recovery has replaced, for which it was made, freeze nothing once the new ones were rotated', async () => {
  const { mine, before: theirs } = broughtBack()
  addDevice(theirs, 'thief')
  const memory = await IdentityMemory.open(ram(), mine.state.identity, mine.toBytes(), { now })
  await codeOfAsync(memory.receive(theirs.toBytes()))
  expect(memory.duplicity).toBe(null)
})

test('4: a decision is about the history it was made for: after a stronger one devices come to the same again', async () => {
  // Both have decided between two histories that part at event 7.
  const base = family()
  const stale = copyOf(base)
  for (const name of ['a', 'b', 'c']) addDevice(base, name)
  const other = copyOf(base)
  addDevice(base, 'one')
  addDevice(other, 'other')
  // Then a laptop that has not heard of it rotates, and its new keys are used twice.
  stale.rotate(keysOf('control 1', 'control 2'), keyPairs('control 1'))
  const rival = copyOf(stale)
  addDevice(stale, 'mine', 'writer', keyPairs('control 1'))
  addDevice(rival, 'thief', 'writer', keyPairs('control 1'))
  const heads = []
  for (const order of [
    [stale, rival],
    [rival, stale]
  ]) {
    const memory = await IdentityMemory.open(ram(), base.state.identity, base.toBytes(), { now })
    await codeOfAsync(memory.receive(other.toBytes()))
    await memory.choose(0)
    for (const chain of order) await codeOfAsync(memory.receive(chain.toBytes()))
    heads.push(memory.duplicity?.seq ?? memory.state.hash)
  }
  expect(heads[0]).toEqual(heads[1])
})

test('5: a recovery that commits to a key which was named meanwhile is not completed: nobody could rotate after it', () => {
  const clock = manualTime()
  const chain = ada(clock)
  // To the same paper that is next now.
  const code = codeOf(() =>
    chain.announceRecovery(keysOf('new', 'control 1'), keyPairs('friend 0', 'friend 1', 'new'))
  )
  if (code !== null) return
  chain.rotate(keysOf('control 1', 'control 2'), keyPairs('control 1'))
  clock.at += 7 * DAY
  expect(codeOf(() => chain.recover(keyPairs('new')))).toBe('KEY_ROTATION_KEY_REUSED')
})

test('9: an end that the identity’s keys have put right is the same for the judge of blocks and for followers', () => {
  const chain = ada()
  const writer = addDevice(chain, 'writer')
  addDevice(chain, 'laptop', 'admin')
  const core = bytesOf(1)
  chain.rollCore({ device: writer, rolls: [{ name: 'notes', core, previous: null }] }, keyPairs('control 0'))
  // A stolen admin takes the name over, and says that it was empty.
  const device = addDevice(chain, 'puppet', 'writer', keyPairs('laptop'))
  const previous = { core, fork: 0, length: 0, treeHash: bytesOf(2) }
  const rolls = [{ name: 'notes', core: bytesOf(3), previous }]
  chain.rollCore({ device, rolls }, keyPairs('laptop', 'puppet'))
  const right = { core, fork: 0, length: 100, treeHash: bytesOf(4) }
  chain.revokeDevice(writer, { reason: 'retired', cutOffs: [right] }, keyPairs('control 0'))
  const link = resolve(chain.state, 'notes')?.lineage[1]
  // What followers go by.
  expect(link?.previous?.length).toBe(new BlockJudge(chain.state).endOf(core)?.length)
})

test('11: a memory that is added to is written whole after 1,024 additions, as FORMAT.md has it', async () => {
  const chain = ada()
  const base = chain.toBytes()
  for (let i = 0; i < 1030; i++) addDevice(chain, `device ${i}`)
  let written = 0
  const store = { read: async () => null, write: async () => void written++, append: async () => {} }
  const memory = await IdentityMemory.open(store, chain.state.identity, base, { now })
  for (const [i, event] of chain.events.entries()) if (i > 0) await memory.receive([event], i)
  expect(written).toBeGreaterThan(1)
})

/** A longer history that counted, and the one that takes its place. */
function superseding(): { before: Sigchain; after: Sigchain } {
  const [before, after] = [family(), family()]
  for (const name of ['one', 'two', 'three']) addDevice(before, name)
  after.rotate(keysOf('control 1', 'control 2'), keyPairs('control 1'))
  return { before, after }
}

test('12: a witness that goes over to the stronger history has seen its last event, though it is a shorter one', () => {
  const { before, after } = superseding()
  const receipts = [
    createReceipt(before.state, keyPair('phone'), START + DAY),
    createReceipt(after.state, keyPair('phone'), START + 2 * DAY)
  ]
  const trusted = after.state.identity
  expect(codeOf(() => verify(after.toBytes(), { trusted, witnesses: { receipts, need: 1 } }))).toBe(null)
})

test('13: a memory that went over to a stronger history opens with a pin of what it had believed', async () => {
  const { before, after } = superseding()
  const store = ram()
  const memory = await IdentityMemory.open(store, before.state.identity, before.toBytes(), { now })
  const { identity, seq, hash } = memory.state
  await memory.receive(after.toBytes())
  expect(await codeOfAsync(IdentityMemory.open(store, { identity, seq, hash }, null, { now }))).toBe(null)
})

/** A time stamp by somebody whose certificate was made by one who was certified by another, who was certified by that one. */
async function inCircles(answer: Uint8Array): Promise<Uint8Array> {
  const dir = await tmpDir()
  const at = (file: string): string => join(dir, file)
  const openssl = (...words: string[]): void =>
    void execFileSync('openssl', words, { stdio: ['ignore', 'ignore', 'pipe'] })
  const ca = 'basicConstraints = critical,CA:true\nkeyUsage = critical,keyCertSign,cRLSign\n'
  const leaf = 'basicConstraints = critical,CA:false\nextendedKeyUsage = critical,timeStamping\n'
  writeFileSync(at('config'), `[req]\ndistinguished_name = name\n[name]\n[ca]\n${ca}[leaf]\n${leaf}`)
  for (const of of ['a', 'b', 'leaf']) {
    openssl('genpkey', '-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256', '-out', at(`${of}.key`))
    const asks = ['req', '-new', '-config', at('config'), '-key', at(`${of}.key`), '-subj', `/CN=${of}`]
    openssl(...asks, '-out', at(`${of}.csr`))
  }
  const self = ['req', '-x509', '-new', '-config', at('config'), '-key', at('b.key'), '-subj', '/CN=b']
  openssl(...self, '-extensions', 'ca', '-days', '30', '-out', at('b0.pem'))
  for (const [of, by, key, as] of [
    ['a', 'b0', 'b', 'ca'],
    ['b', 'a', 'a', 'ca'],
    ['leaf', 'a', 'a', 'leaf']
  ] as const) {
    const signs = ['x509', '-req', '-in', at(`${of}.csr`), '-CA', at(`${by}.pem`), '-CAkey', at(`${key}.key`)]
    const extensions = ['-extfile', at('config'), '-extensions', as, '-days', '30']
    openssl(...signs, '-CAcreateserial', ...extensions, '-out', at(`${of}.pem`))
  }
  writeFileSync(at('both.pem'), Buffer.concat([readFileSync(at('a.pem')), readFileSync(at('b.pem'))]))
  writeFileSync(at('answer'), answer)
  openssl('ts', '-reply', '-in', at('answer'), '-token_out', '-out', at('token'))
  openssl('cms', '-verify', '-noverify', '-inform', 'DER', '-in', at('token'), '-out', at('info'))
  const by = ['-signer', at('leaf.pem'), '-inkey', at('leaf.key'), '-certfile', at('both.pem'), '-cades']
  const as = ['-econtent_type', '1.2.840.113549.1.9.16.1.4', '-binary', '-nodetach', '-nosmimecap']
  openssl('cms', '-sign', ...by, ...as, '-in', at('info'), '-outform', 'DER', '-out', at('forged'))
  const content = Buffer.concat([Buffer.from('3003020100', 'hex'), readFileSync(at('forged'))])
  return Buffer.concat([Buffer.from([0x30, 0x82, content.length >> 8, content.length & 0xff]), content])
}

test.runIf(hasOpenssl)('14: a time stamp with certificates in circles gives a code', async () => {
  const service = await timeService()
  const event = bytesOf(9)
  const answer = await inCircles(await service.reply(createTimestampRequest(event).request))
  const added = codeOfAsync(new Timestamps([service.authority]).add(event, answer))
  const patience = new Promise((resolve) => setTimeout(() => resolve('never'), 3000))
  expect(await Promise.race([added, patience])).toBe('KEY_ROTATION_TIMESTAMP_UNTRUSTED')
})

test('23: an admin takes no core from the identity itself; or what it says of its end can be put right', () => {
  const chain = ada()
  addDevice(chain, 'laptop', 'admin')
  const puppet = addDevice(chain, 'puppet', 'writer', keyPairs('laptop'))
  const core = bytesOf(1)
  chain.rollCore({ rolls: [{ name: 'notes', core, previous: null }] }, keyPairs('control 0'))
  const previous = { core, fork: 0, length: 0, treeHash: bytesOf(2) }
  const taken = codeOf(() =>
    chain.rollCore(
      { device: puppet, rolls: [{ name: 'notes', core: bytesOf(3), previous }] },
      keyPairs('laptop', 'puppet')
    )
  )
  const right = { core, fork: 0, length: 100, treeHash: bytesOf(4) }
  const how = { reason: 'compromised', cutOffs: [right] } as const
  const mended = codeOf(() => chain.revokeDevice(puppet, how, keyPairs('control 0')))
  expect(taken ?? mended).toBe(taken === null ? null : 'KEY_ROTATION_NO_RIGHT')
})

test('24: key pairs sign in any order, also where an admin and a writer do', () => {
  const chain = ada()
  addDevice(chain, 'laptop', 'admin')
  const device = addDevice(chain, 'phone')
  const rolls = [{ name: 'notes', core: bytesOf(1), previous: null }]
  expect(codeOf(() => chain.rollCore({ device, rolls }, keyPairs('phone', 'laptop')))).toBe(null)
})

test('25: a recovery that was announced to nobody, and only time-stamped, waits: that it was there is not that it was heard of', async () => {
  const clock = manualTime()
  const chain = ada(clock)
  const before = chain.toBytes()
  chain.announceRecovery(keysOf('thief', 'thief 2'), keyPairs('friend 0', 'friend 1', 'thief'))
  const announced = chain.state.hash
  clock.at += 7 * DAY
  chain.recover(keyPairs('thief'))
  // What `Timestamps.seenBy` says once the answer that the thieves kept was added.
  const seenBy = (event: Uint8Array): number | null => (Buffer.compare(event, announced) === 0 ? START : null)
  const { identity } = chain.state
  const memory = await IdentityMemory.open(ram(), identity, before, { now: clock, seenBy })
  expect(await codeOfAsync(memory.receive(chain.toBytes()))).toBe('KEY_ROTATION_RECOVERY_TOO_EARLY')
})

test('27: a device that wrote after old events, and stopped before anybody had seen it, does not freeze itself when it opens its memory', async () => {
  const mine = family()
  const others = copyOf(mine)
  const store = ram()
  const { identity } = mine.state
  const memory = await IdentityMemory.open(store, identity, mine.toBytes(), { now })
  addDevice(others, 'other')
  await memory.receive(others.toBytes())
  addDevice(mine, 'mine')
  const again = await IdentityMemory.open(store, identity, mine.toBytes(), { now })
  expect([again.duplicity, again.state]).toEqual([null, others.state])
})

test('28: what is no event gives a code, also among those that are brought to a memory', async () => {
  const mine = family()
  const memory = await IdentityMemory.open(ram(), mine.state.identity, mine.toBytes(), { now })
  const brought = [...mine.events.slice(0, 2), null as never]
  expect(await codeOfAsync(memory.receive(brought))).toBe('KEY_ROTATION_MALFORMED')
})

test('30: devices whose clocks differ by minutes stay connected, and what came before an event that is still to come counts', async () => {
  const minute = 60_000
  const base = family()
  // A thief with the present keys states the latest time that some take, and others not yet.
  const ahead = Sigchain.open(
    base.toBytes(),
    { trusted: base.state.identity },
    { now: () => START + DAY + minute }
  )
  base.revokeDevice(keyPair('phone').publicKey, { reason: 'lost' }, keyPairs('control 0'))
  const events = base.events.slice(-1)
  ahead.append(events[0] as Uint8Array)
  addDevice(ahead, 'thief')
  const tablet = await party('tablet', copyOf(family()))
  const laptop = await party('laptop', ahead, {}, () => START + 2 * minute)
  const ends = await meet(tablet, laptop)
  await expect.poll(() => tablet.memory.state.seq >= base.state.seq || tablet.refused.length > 0).toBe(true)
  expect([tablet.memory.state.hash, tablet.refused, ends[0].destroyed]).toEqual([base.state.hash, [], false])
})
