import { expect, test } from 'vitest'
import { encodeEvents } from '../src/connections/messages.ts'
import { Peer } from '../src/connections/peer.ts'
import { IdentityMemory, Sigchain } from '../src/index.ts'
import { addDevice, bytesOf, codeOf, DAY, keyPair, keyPairs, keysOf, manualTime, START } from './people.ts'
import { codeOfAsync, copyOf, family, ram } from './parties.ts'

/** A phone at the other end, of which it is known that it has the first event; and how many messages it was told. */
async function phone(
  mine: Sigchain,
  now: () => number = () => START
): Promise<{ peer: Peer; memory: IdentityMemory; told: () => number }> {
  const memory = await IdentityMemory.open(ram(), mine.state.identity, mine.toBytes(), { now })
  const connection = {
    handshakeHash: null,
    isInitiator: true,
    opened: Promise.resolve(true),
    destroy() {},
    on() {}
  }
  const peer = new Peer(connection, memory, () => {})
  let told = 0
  peer.channel = { sendEvents: () => void told++, sendReceipt() {}, ask() {} }
  peer.hello = { device: keyPair('phone').publicKey, seq: 0, hash: mine.state.identity }
  peer.hears(peer.hello)
  return { peer, memory, told: () => told }
}

/** Says of so many events that there are not that it has them. */
function boast(peer: Peer): void {
  for (let i = 0; i < 20; i++) peer.hears({ seq: 1000 + i, hash: bytesOf(i) })
}

test('a device is told each event once, whatever it says it has', async () => {
  const mine = family()
  const { peer, memory, told } = await phone(mine)
  peer.tell()
  const first = encodeEvents(0, mine.events.slice(0, 1)).message
  for (let round = 0; round < 20; round++) {
    boast(peer)
    peer.hear(first)
    await peer.weighHeard(START)
    peer.tell()
  }
  expect(told()).toBe(1)
  addDevice(mine, 'new')
  await memory.receive(mine.events)
  peer.tell()
  expect(told()).toBe(2)
})

test('and so it is of two histories', async () => {
  const mine = family()
  const other = copyOf(mine)
  addDevice(mine, 'one')
  addDevice(other, 'other')
  const { peer, memory, told } = await phone(mine)
  expect(await codeOfAsync(memory.receive(other.events))).toBe('KEY_ROTATION_FORKED')
  for (let round = 0; round < 20; round++) {
    boast(peer)
    peer.tell()
  }
  expect(told()).toBe(2)
})

test('more events than a chain has are not listened to', async () => {
  const mine = family()
  const { peer } = await phone(mine)
  const [first, second] = mine.events as [Uint8Array, Uint8Array]
  const endless = Array.from({ length: 80_000 }, (_, i) => (i % 2 === 0 ? first : second))
  const tell = (): void => {
    for (let at = 0; at < endless.length;) {
      // Each message begins with a second event, which follows the one before.
      const { message, next } = encodeEvents(at, endless.slice(0, at === 0 ? 501 : at + 500))
      peer.hear(message)
      at = next
    }
  }
  expect(codeOf(tell)).toBe('KEY_ROTATION_TOO_LARGE')
})

test('of who is not known only a whole history is weighed, and of who is known what goes on with the one here at once', async () => {
  const mine = family()
  const before = copyOf(mine)
  for (let i = 0; i < 1_500; i++) addDevice(mine, `device ${i}`)
  const { message } = encodeEvents(before.events.length, mine.events)
  const { peer } = await phone(before)
  expect(peer.hear(message)).toEqual({ part: 'more', isReady: false })
  peer.isKnown = true
  expect(peer.hear(message)).toEqual({ part: 'more', isReady: true })
})

test('second histories that have to wait for this clock are weighed so often, and no more: nobody needs to have signed them', async () => {
  const mine = family()
  const before = mine.toBytes()
  addDevice(mine, 'one')
  const { peer } = await phone(mine)
  const codes: (string | null)[] = []
  for (let i = 0; i < 18; i++) {
    const now = (): number => START + 30 * DAY
    const ahead = Sigchain.open(before, { trusted: mine.state.identity }, { now })
    addDevice(ahead, `ahead ${i}`)
    peer.hear(encodeEvents(0, ahead.events).message)
    codes.push(await codeOfAsync(peer.weighHeard(START)))
  }
  const tooMuch = 'KEY_ROTATION_TOO_LARGE'
  expect(codes).toEqual([...Array.from({ length: 16 }, () => null), tooMuch, tooMuch])
})

test('a recovery that has to wait is not forgotten when its teller, who is frozen, tells the other history after it', async () => {
  const clock = manualTime()
  const base = family()
  const [mine, theirs] = [
    Sigchain.open(base.toBytes(), { trusted: base.state.identity }, { now: clock }),
    copyOf(base)
  ]
  mine.announceRecovery(keysOf('new', 'new next'), keyPairs('friend 0', 'friend 1', 'new'))
  clock.at += 7 * DAY
  mine.recover(keyPairs('new'))
  addDevice(theirs, 'thief’s')
  const now = manualTime(START + 30 * DAY)
  const { peer, memory } = await phone(base, now)
  peer.isKnown = true
  for (const { events } of [mine, theirs]) {
    peer.hear(encodeEvents(base.events.length, events).message)
    await peer.weighHeard(now())
  }
  expect([memory.state, peer.hasMore]).toEqual([theirs.state, true])
  now.at += 7 * DAY
  await peer.weighWaiting(now())
  expect([memory.duplicity?.branches, peer.hasMore]).toEqual([[theirs.events, mine.events], false])
  // What goes on with it is told from there.
  addDevice(mine, 'one more', 'writer', keyPairs('new'))
  expect(peer.hear(encodeEvents(mine.events.length - 1, mine.events).message).isReady).toBe(true)
})
