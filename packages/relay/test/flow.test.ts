import { expect, test } from 'vitest'
import { Flow, type FlowIo } from '../src/flow/flow.ts'
import { ReceiveQueue } from '../src/flow/receive-queue.ts'

test('a word about a dead path that arrives late, over a slow one, does not end the stream', () => {
  const sent: { to: number; path: number; bytes: Uint8Array }[] = []
  const faults: unknown[] = []
  const make = (me: number): Flow => {
    const io: FlowIo = {
      transmit: (path, parts) => {
        sent.push({ to: 1 - me, path, bytes: Buffer.concat(parts.map((part) => Buffer.from(part))) })
        return true
      },
      deliver: (bytes) => flows[me]?.took(bytes.length),
      onfinish: () => {},
      onroom: () => {},
      onuntold: () => {},
      onreset: () => {},
      onretired: () => {},
      onleft: () => {},
      onforsaken: () => {}
    }
    return new Flow(io, 64)
  }
  const flows: Flow[] = [make(0), make(1)]
  const [a, b] = flows as [Flow, Flow]
  const deliver = (): void => {
    for (const { to, path, bytes } of sent.splice(0)) faults.push(flows[to]?.receive(path, bytes))
  }
  for (const flow of flows) for (const path of [1, 2]) flow.addPath(path, path)
  deliver()
  a.dropPath(1)
  const slow = sent.splice(0)
  for (const flow of flows) flow.addPath(3, 0)
  deliver()
  b.write(new Uint8Array(40))
  deliver()
  a.acknowledge()
  deliver()
  sent.push(...slow)
  deliver()
  expect(faults.filter((honest) => honest !== true)).toEqual([])
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
}, 20_000)
