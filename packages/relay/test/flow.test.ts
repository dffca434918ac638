import { expect, test } from 'vitest'
import { Flow } from '../src/flow/flow.ts'
import { FLOW, flowFrame, readFlowFrame, segmentHeader } from '../src/flow/flow-frames.ts'
import { ReceiveQueue } from '../src/flow/receive-queue.ts'
import { World } from './flow-world.ts'

/** First bytes of what is under way on a path from side 0: what it is stands there for everybody to read. */
function typesOn(world: World, path: number): (number | undefined)[] {
  return world.links.get(path)?.queues[0].map(({ bytes }) => bytes[0]) ?? []
}

test('a word about a dead path that arrives late, over a slow one, does not end the stream', () => {
  const world = new World([64, 64])
  const [dying, slow] = [world.join(1), world.join(2)]
  world.settle()
  world.close(dying, 0)
  // Side 0 has said so on the slow path, where it stays for now.
  world.join(0)
  const said = world.links.get(slow)?.queues[0].splice(0) ?? []
  expect(said.map(({ bytes }) => bytes[0])).toEqual([FLOW.DEAD])
  world.settle()
  world.write(1, 40)
  world.settle()
  world.links.get(slow)?.queues[0].push(...said)
  world.settle()
  expect(world.faults).toEqual([])
  expect(world.sides[0].received).toHaveLength(40)
})

test('segments that were swallowed before a path is left are found out there, and not laid at another one’s door', () => {
  const world = new World()
  const relay = world.join(3)
  world.write(0, 20)
  const direct = world.join(1)
  world.sides[0].flow.retirePath(relay)
  const queue = world.links.get(relay)?.queues[0]
  expect(typesOn(world, relay)).toEqual([FLOW.SEGMENT, FLOW.RETIRE])
  queue?.shift()
  world.settle()
  world.write(0, 100)
  world.settle()
  expect([...world.convicted]).toEqual([relay])
  expect(world.sides[1].flow.paths).toEqual([direct])
  expect(world.sides[1].received).toHaveLength(120)
  expect(world.faults).toEqual([])
})

test('nothing follows on a path that is being left', () => {
  const world = new World()
  const [relay] = [world.join(3), world.join(1)]
  const [{ flow }, other] = world.sides
  other.flow.probe(relay)
  flow.retirePath(relay)
  flow.probe(relay)
  flow.retirePath(relay)
  // Neither an answer.
  world.deliver(relay, 1)
  expect(typesOn(world, relay)).toEqual([FLOW.RETIRE])
})

test('who asks about ever more dead paths and reads nothing is told once what is owed, and ended when that is too much', () => {
  const world = new World()
  const path = world.join(1)
  const { flow } = world.sides[0]
  const ask = (dead: number): boolean =>
    flow.receive(path, flowFrame({ type: 'dead', path: dead, offset: 0 }))
  const sent = (): number => typesOn(world, path).length
  // Until the path is full each is answered at once.
  for (let dead = 100; sent() < 6; dead++) expect(ask(dead)).toBe(true)
  for (let again = 0; again < 3; again++)
    for (let dead = 1_000; dead < 2_024; dead++) expect(ask(dead)).toBe(true)
  expect(sent()).toBe(6)
  expect(ask(2_024)).toBe(false)
})

test('where both sides leave a path at once, each word is the answer to the other one', () => {
  const world = new World()
  const [relay] = [world.join(3), world.join(1)]
  for (const { flow } of world.sides) flow.retirePath(relay)
  world.deliver(relay, 1)
  expect(typesOn(world, relay)).toEqual([FLOW.RETIRE])
  world.deliver(relay, 0)
  expect(world.sides.map(({ flow }) => flow.paths.length)).toEqual([1, 1])
  expect(world.faults).toEqual([])
})

test('no more is under way than the side with the smaller window holds', () => {
  for (const windows of [
    [640, 200],
    [200, 640]
  ] as const) {
    const world = new World(windows)
    world.join(1)
    for (let i = 0; i < 30; i++) world.write(0, 50)
    world.settle()
    expect(world.faults).toEqual([])
    world.write(0, 50)
    for (let i = 0; i < 30; i++) world.write(0, 50)
    expect(world.sentBytes - world.sides[1].received.length).toBeLessThanOrEqual(200)
  }
})

test('segments that come early are held at a cost that the window bounds, however short they are', () => {
  const queue = new ReceiveQueue(
    128 * 1024,
    () => {},
    () => {}
  )
  const byte = new Uint8Array(1)
  let held = 0
  for (let offset = 2; offset < 60_000; offset += 2) {
    if (queue.arrive(offset, byte, false) === 'too much') break
    held++
  }
  expect(held).toBeLessThan(20_000)
})

test('of paths that are lost while nobody answers, the newest are told: what the other side has then holds for those before', () => {
  const world = new World()
  for (let i = 0; i < 1_000; i++) {
    const path = world.join(1)
    world.write(0, 10)
    world.close(path, 0, true)
  }
  const last = world.join(1)
  for (let i = 0; i < 200; i++) world.sides[0].flow.drained(last)
  const dead = typesOn(world, last).filter((type) => type === FLOW.DEAD)
  expect(dead.length).toBeGreaterThan(0)
  expect(dead.length).toBeLessThanOrEqual(64)
  world.settle()
  expect(world.faults).toEqual([])
  expect(world.sides[1].received).toHaveLength(world.sides[0].written)
})

test('what was taken is known although the path dies that was being left, and on which it was said last', () => {
  const world = new World([640, 640])
  // Two relays: of the same rank, so that the older one is the better one for both.
  const [draining, other] = [world.join(3), world.join(3)]
  // Until a whole window may be under way.
  for (let i = 0; i < 40; i++) {
    world.write(0, 600)
    world.settle()
  }
  const before = world.sides[0].written
  while (world.sides[0].flow.hasRoom) world.write(0, 80)
  while (world.deliver(draining, 0));
  expect(world.sides[1].received.length).toBe(before + 640)
  // The relay goes down: its path is left. What was taken is said on it, as it is the best one of side 1 still.
  world.sides[0].flow.retirePath(draining)
  world.take(1, Infinity)
  world.sides[1].flow.acknowledge()
  while (world.deliver(draining, 0));
  // And it is gone before that has come: this side notices.
  world.close(draining, 1, true)
  world.close(draining, 0)
  world.settle()
  expect(world.sides[1].flow.paths).toEqual([other])
  expect(world.faults).toEqual([])
  // All was taken, there is a path, and yet nothing can be written any more.
  expect([world.sides[0].flow.heldBytes, world.sides[0].flow.hasRoom]).toEqual([0, true])
})

/** One side of a flow, whose reader takes what comes at once, and what it has said. */
function oneSide(isRoomy: () => boolean = () => true): { flow: Flow; said: (string | undefined)[] } {
  const said: (string | undefined)[] = []
  const none = (): void => {}
  const flow: Flow = new Flow(
    {
      now: () => 0,
      transmit: (_, head) => {
        const frame = readFlowFrame(head)
        said.push(frame?.type === 'ack' ? `ack ${frame.offset}` : frame?.type)
        return isRoomy()
      },
      deliver: (bytes) => flow.took(bytes.length),
      onfinish: none,
      onroom: none,
      onuntold: none,
      onreset: none,
      onleft: none,
      onretired: none,
      onforsaken: none
    },
    { own: 1 << 22, theirs: 1 << 22 }
  )
  flow.addPath(0, 3)
  return { flow, said }
}

test('an end that came before the last bytes is acknowledged once these have come', () => {
  const { flow, said } = oneSide()
  flow.addPath(1, 1)
  flow.receive(1, flowFrame({ type: 'fin', offset: 5_000 }))
  flow.receive(0, segmentHeader(0), new Uint8Array(5_000))
  expect(flow.taken).toBe(5_001)
  expect(said.at(-1)).toBe('ack 5001')
})

test('an answer about a lost path is not lost with the next one, which the other side does not know to be gone', () => {
  const world = new World()
  const first = world.join(3)
  world.settle()
  // One relay dies for side 0, and so does the next before it has answered; side 1 knows of neither yet.
  world.close(first, 0, true)
  const second = world.join(3)
  world.close(second, 0, true)
  const third = world.join(3)
  while (world.deliver(third, 0));
  world.settle()
  world.write(0, 40)
  world.settle()
  expect(world.sides.map(({ flow }) => flow.paths)).toEqual([[third], [third]])
  expect(world.sides[1].received.length).toBe(40)
})

test('what was taken is said again, and at once, where the path is lost that it was said on', () => {
  const world = new World()
  const [lost, other] = [world.join(1), world.join(3)]
  world.settle()
  world.write(0, 100)
  while (world.deliver(lost, 0));
  world.take(1, Infinity)
  world.sides[1].flow.acknowledge()
  for (const me of [0, 1] as const) world.close(lost, me, true)
  while (world.deliver(other, 0) || world.deliver(other, 1));
  expect(world.sides[0].flow.heldBytes).toBe(0)
})

test('after a change of paths little is said to be taken at once: who sends learns anew what is carried', () => {
  const { flow, said } = oneSide()
  for (let at = 0; at < 1 << 20; at += 16_384)
    expect(flow.receive(0, segmentHeader(at), new Uint8Array(16_384))).toBe(true)
  said.length = 0
  flow.receive(0, segmentHeader(1 << 20), new Uint8Array(4_096))
  expect(said).toEqual([])
  flow.addPath(1, 1)
  said.length = 0
  flow.receive(1, segmentHeader((1 << 20) + 4_096), new Uint8Array(4_096))
  expect(said).toEqual([`ack ${(1 << 20) + 8_192}`])
})

test('an end is acknowledged at once', () => {
  const { flow, said } = oneSide()
  flow.receive(0, flowFrame({ type: 'fin', offset: 0 }))
  expect(said).toEqual(['ack 1'])
})

test('on a path that is full nothing is answered, and once there is room each thing once', () => {
  let isRoomy = false
  const { flow, said } = oneSide(() => isRoomy)
  const ask = (): void => {
    flow.receive(0, flowFrame({ type: 'probe' }))
    flow.receive(0, flowFrame({ type: 'dead', path: 7, offset: 0 }))
  }
  for (let i = 0; i < 5; i++) ask()
  expect(said).toEqual(['probed'])
  isRoomy = true
  said.length = 0
  flow.drained(0)
  expect(said).toEqual(['probed', 'resume'])
})

test('what is under way on the path before does not keep a new one from being used', () => {
  const world = new World([6_400, 6_400])
  const relay = world.join(3)
  for (let i = 0; i < 5; i++) {
    world.write(0, 600)
    world.settle()
  }
  world.write(0, 600)
  expect(world.links.get(relay)?.queues[0].length).toBeGreaterThan(0)
  const direct = world.join(1)
  world.write(0, 60)
  expect(typesOn(world, direct)).toContain(FLOW.SEGMENT)
})
