import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { FirstWire } from '../src/wires/first-wire.ts'
import type { Wire, WireEvents } from '../src/wires/wire.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

/** A wire of which the test says what comes. */
class TestWire implements Wire {
  readonly kind: Wire['kind']
  readonly remoteAddress = '192.0.2.1'
  readonly backlogBytes = 0
  readonly written: string[] = []
  begun = false
  destroyed = false
  ended = false
  events: WireEvents | null = null

  constructor(kind: Wire['kind']) {
    this.kind = kind
  }

  start(events: WireEvents): void {
    this.events = events
  }

  write(...parts: readonly Uint8Array[]): boolean {
    this.written.push(Buffer.concat(parts).toString())
    return true
  }

  say(text: string): void {
    this.events?.onbytes(Buffer.from(text))
  }

  pause(): void {}

  resume(): void {}

  end(): void {
    this.ended = true
    queueMicrotask(() => this.events?.onclose(null))
  }

  destroy(): void {
    this.destroyed = true
    queueMicrotask(() => this.events?.onclose(null))
  }
}

function begin(): {
  wire: FirstWire
  tcp: TestWire
  ws: TestWire
  heard: string[]
  closed: (Error | null)[]
  chosen: string[]
} {
  const [tcp, ws] = [new TestWire('tcp'), new TestWire('ws')]
  const [heard, closed, chosen] = [[] as string[], [] as (Error | null)[], [] as string[]]
  const dialOf = (wire: TestWire): { kind: Wire['kind']; begin: () => Wire } => ({
    kind: wire.kind,
    begin: () => {
      wire.begun = true
      return wire
    }
  })
  const wire = new FirstWire([dialOf(tcp), dialOf(ws)], {
    isAnswer: (chunk) => Buffer.from(chunk).toString() !== 'HTTP/1.1 400',
    onchosen: (kind) => chosen.push(kind)
  })
  wire.start({
    onbytes: (chunk) => heard.push(Buffer.from(chunk).toString()),
    ondrain: () => {},
    onclose: (error) => closed.push(error)
  })
  wire.write(Buffer.from('hello'))
  return { wire, tcp, ws, heard, closed, chosen }
}

test('where the first way answers soon, the other one is not begun', async () => {
  const { wire, tcp, ws, heard, chosen } = begin()
  await vi.advanceTimersByTimeAsync(400)
  tcp.say('welcome')
  await vi.advanceTimersByTimeAsync(5_000)
  wire.write(Buffer.from('register'))
  expect([heard, chosen, wire.kind]).toEqual([['welcome'], ['tcp'], 'tcp'])
  expect([ws.begun, tcp.written]).toEqual([false, ['hello', 'register']])
  expect(vi.getTimerCount()).toBe(0)
})

test('where the first way fails, the other one is begun at once, and greets', async () => {
  const { wire, tcp, ws, heard, closed } = begin()
  tcp.events?.onclose(new Error('refused'))
  expect([ws.begun, ws.written]).toEqual([true, ['hello']])
  ws.say('welcome')
  expect([heard, closed, wire.kind]).toEqual([['welcome'], [], 'ws'])
})

test('where the first way is silent, the other one goes beside it, and the first answer decides', async () => {
  const { wire, tcp, ws, heard, closed, chosen } = begin()
  await vi.advanceTimersByTimeAsync(501)
  expect([tcp.destroyed, ws.written]).toEqual([false, ['hello']])
  ws.say('welcome')
  tcp.say('welcome, too')
  await vi.advanceTimersByTimeAsync(0)
  expect([heard, chosen, tcp.destroyed, closed]).toEqual([['welcome'], ['ws'], true, []])
  wire.write(Buffer.from('register'))
  expect([tcp.written, ws.written]).toEqual([['hello'], ['hello', 'register']])
})

test('a slow first way is heard as long as the other one has not answered', async () => {
  const { tcp, ws, heard } = begin()
  await vi.advanceTimersByTimeAsync(2_000)
  tcp.say('welcome')
  await vi.advanceTimersByTimeAsync(0)
  expect([heard, ws.destroyed]).toEqual([['welcome'], true])
})

test('it closes once, when all ways have failed, and says why the first one has', async () => {
  const { tcp, ws, closed } = begin()
  tcp.events?.onclose(new Error('refused'))
  expect(closed).toEqual([])
  ws.events?.onclose(new Error('not there'))
  await vi.advanceTimersByTimeAsync(1_000)
  expect(closed).toEqual([new Error('refused')])
})

test('what has answered closes it, and says why; no other way is begun then', async () => {
  const { tcp, ws, closed } = begin()
  tcp.say('welcome')
  tcp.events?.onclose(new Error('reset'))
  await vi.advanceTimersByTimeAsync(1_000)
  expect([closed, ws.begun]).toEqual([[new Error('reset')], false])
})

test.each(['end', 'destroy'] as const)(
  '%s is of all that was begun, and begins nothing more',
  async (how) => {
    const { wire, tcp, ws, closed } = begin()
    wire[how]()
    await vi.advanceTimersByTimeAsync(1_000)
    expect([closed, ws.begun]).toEqual([[null], false])
    expect(how === 'end' ? tcp.ended : tcp.destroyed).toBe(true)
    expect(vi.getTimerCount()).toBe(0)
  }
)

test('what is no answer is none: the next way is begun, and the one that brought it is over', async () => {
  const { tcp, ws, heard, closed, chosen } = begin()
  tcp.say('HTTP/1.1 400')
  tcp.say('welcome')
  await vi.advanceTimersByTimeAsync(0)
  expect([tcp.destroyed, ws.begun, ws.written]).toEqual([true, true, ['hello']])
  ws.say('welcome')
  await vi.advanceTimersByTimeAsync(10_000)
  expect([heard, closed, chosen]).toEqual([['welcome'], [], ['ws']])
})

test('where nothing else answers than what is no answer, that is why', async () => {
  const { tcp, ws, closed } = begin()
  for (const way of [tcp, ws]) way.say('HTTP/1.1 400')
  await vi.advanceTimersByTimeAsync(0)
  expect(closed).toMatchObject([{ code: 'RELAY_PROTOCOL' }])
})
