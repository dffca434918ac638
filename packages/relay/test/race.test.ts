import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { type Attempt, type Lane, race, type RaceOptions } from '../src/client/race.ts'

/** What has happened, in order. */
const log: string[] = []

beforeEach(() => {
  vi.useFakeTimers()
  log.length = 0
})
afterEach(() => void vi.useRealTimers())

/** A way whose end the test decides. */
class Way {
  readonly name: string
  readonly #result: Promise<string>
  #resolve: (name: string) => void = () => {}
  #reject: (error: Error) => void = () => {}

  constructor(name: string) {
    this.name = name
    this.#result = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
  }

  readonly begin = (): Attempt<string> => {
    log.push(`${this.name} begins`)
    return { result: this.#result, abort: () => void log.push(`${this.name} aborted`) }
  }

  /** Everything that follows from it happens. */
  async succeed(): Promise<void> {
    this.#resolve(this.name)
    await vi.advanceTimersByTimeAsync(0)
  }

  async fail(): Promise<void> {
    this.#reject(new Error(this.name))
    await vi.advanceTimersByTimeAsync(0)
  }
}

const way = (name: string): Way => new Way(name)
const lane = (ways: readonly Way[], more: Partial<Lane<string>> = {}): Lane<string> => ({
  ways: ways.map(({ begin }) => begin),
  ...more
})

function run(lanes: readonly Lane<string>[], more: Partial<RaceOptions<string>> = {}): Attempt<string> {
  const attempt = race(lanes, { staggerMs: 250, attemptMs: 5_000, ...more })
  attempt.result.then(
    (won) => log.push(`${won} wins`),
    (error: Error) => log.push(error.message.split(':')[0] ?? '')
  )
  return attempt
}

test('kinds of ways begin beside each other, and ways of one kind one after the other', async () => {
  const [a, b, c, d] = ['a', 'b', 'c', 'd'].map(way) as [Way, Way, Way, Way]
  run([lane([a, b]), lane([c, d])])
  expect(log).toEqual(['a begins', 'c begins'])
  await vi.advanceTimersByTimeAsync(250)
  expect(log.slice(2)).toEqual(['b begins', 'd begins'])
})

test('what has failed makes room for the next of its kind at once, and is aborted too', async () => {
  const [a, b] = [way('a'), way('b')]
  run([lane([a, b])])
  await a.fail()
  await b.fail()
  expect(log).toEqual(['a begins', 'a aborted', 'b begins', 'b aborted', 'RELAY_UNREACHABLE'])
})

test('the first that succeeds wins, and nobody else goes on, or begins', async () => {
  const [a, b, c] = [way('a'), way('b'), way('c')]
  run([lane([a, c]), lane([b])])
  await b.succeed()
  await vi.advanceTimersByTimeAsync(60_000)
  await a.succeed()
  expect(log).toEqual(['a begins', 'b begins', 'a aborted', 'b wins', 'a aborted'])
})

test('several of one kind begin together where that is asked for', async () => {
  run([lane(['a', 'b', 'c'].map(way), { atOnce: 2 })])
  expect(log).toEqual(['a begins', 'b begins'])
  await vi.advanceTimersByTimeAsync(250)
  expect(log).toContain('c begins')
})

test('a kind that is delayed begins in its time, or when nothing else is left', async () => {
  const [a, b] = [way('a'), way('b')]
  run([lane([a]), lane([b], { delayMs: 1_000 })])
  await vi.advanceTimersByTimeAsync(999)
  expect(log).toEqual(['a begins'])
  await a.fail()
  expect(log).toEqual(['a begins', 'a aborted', 'b begins'])
  await vi.advanceTimersByTimeAsync(2_000)
  expect(log).toHaveLength(3)
})

test('a way that is to be tried again is, while others go on, and not when they have failed too', async () => {
  const [a, b] = [way('a'), way('b')]
  run([lane([a], { againMs: 1_000 }), lane([b])])
  await a.fail()
  await vi.advanceTimersByTimeAsync(999)
  expect(log).toEqual(['a begins', 'b begins', 'a aborted'])
  await vi.advanceTimersByTimeAsync(1)
  // It fails at once, as before.
  expect(log.slice(3)).toEqual(['a begins', 'a aborted'])
  await b.fail()
  await vi.advanceTimersByTimeAsync(60_000)
  expect(log.slice(5)).toEqual(['b aborted', 'RELAY_UNREACHABLE'])
})

test('a second best waits a moment, and loses to a better one that comes meanwhile', async () => {
  const [relay, direct] = [way('relay'), way('direct')]
  run([lane([direct]), lane([relay])], { preferMs: 20, secondBest: (won) => won === 'relay' })
  await relay.succeed()
  expect(log).toEqual(['direct begins', 'relay begins'])
  await direct.succeed()
  await vi.advanceTimersByTimeAsync(60_000)
  expect(log.slice(2)).toEqual(['relay aborted', 'direct wins'])
})

test('a second best wins when its moment is over, or as soon as nothing better can come', async () => {
  for (const end of ['time', 'failure']) {
    log.length = 0
    const [relay, other, direct] = [way('relay'), way('other'), way('direct')]
    run([lane([direct]), lane([relay, other])], { preferMs: 20, secondBest: (won) => won !== 'direct' })
    await relay.succeed()
    if (end === 'time') await vi.advanceTimersByTimeAsync(20)
    else await direct.fail()
    expect(log).toEqual(['direct begins', 'relay begins', 'direct aborted', 'relay wins'])
  }
})

test('while a second best waits, nothing more of its kind begins, neither in its time nor for one that fails', async () => {
  const [direct, first, second, third, fourth] = ['direct', 'first', 'second', 'third', 'fourth'].map(way)
  const relays = lane([first, second, third, fourth] as Way[], { atOnce: 2 })
  run([lane([direct] as Way[]), relays], { preferMs: 600, secondBest: (won) => won !== 'direct' })
  await first?.succeed()
  await vi.advanceTimersByTimeAsync(500)
  await second?.fail()
  await vi.advanceTimersByTimeAsync(100)
  const begun = ['direct begins', 'first begins', 'second begins']
  expect(log).toEqual([...begun, 'second aborted', 'direct aborted', 'first wins'])
})

test('a way that takes too long is given up', async () => {
  run([lane([way('a')])])
  await vi.advanceTimersByTimeAsync(5_000)
  expect(log).toEqual(['a begins', 'a aborted', 'RELAY_TIMEOUT'])
})

test('a race that is given up aborts all, the second best that waits too', async () => {
  const [relay, direct] = [way('relay'), way('direct')]
  const attempt = run([lane([direct]), lane([relay])], { preferMs: 20, secondBest: () => true })
  await relay.succeed()
  attempt.abort()
  await vi.advanceTimersByTimeAsync(60_000)
  expect(log.slice(2)).toEqual(['relay aborted', 'direct aborted', 'RELAY_CLOSED'])
})

test('ways that cannot even begin have failed, and without any way there is none', async () => {
  const throwing: Lane<string> = {
    ways: [
      () => {
        throw new Error('no')
      }
    ]
  }
  const b = way('b')
  run([throwing, lane([b])])
  await b.succeed()
  run([throwing, throwing])
  run([])
  await vi.advanceTimersByTimeAsync(0)
  expect(log).toEqual(['b begins', 'b wins', 'RELAY_UNREACHABLE', 'RELAY_UNREACHABLE'])
})

test('of two that are second best the first is held, and the other one given up', async () => {
  const [first, second, other] = [way('first'), way('second'), way('other')]
  const lanes = [lane([first]), lane([second]), lane([other])]
  run(lanes, { preferMs: 12, secondBest: (won) => won !== 'other' })
  await first.succeed()
  await second.succeed()
  expect(log).toContain('second aborted')
  await vi.advanceTimersByTimeAsync(12)
  expect(log.slice(3)).toEqual(['second aborted', 'other aborted', 'first wins'])
})

test('a race that is a way of another one gives up what it has come to, where the other takes something better', async () => {
  const [direct, relayed] = [way('direct'), way('relayed')]
  const inner = (): Attempt<string> => race([lane([relayed])], { staggerMs: 250, attemptMs: 5_000 })
  run([lane([direct]), { ways: [inner] }], { preferMs: 12, secondBest: (won) => won === 'relayed' })
  await relayed.succeed()
  await direct.succeed()
  expect(log).toEqual(['direct begins', 'relayed begins', 'relayed aborted', 'direct wins'])
})
