import b4a from 'b4a'
import crypto from 'hypercore-crypto'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { collect, until } from '@cloudpal/test-kit'
import type { ObjectStore } from '../src/index.ts'
import type { S3Store, S3StoreOptions } from '../src/s3/index.ts'
import { Cluster, hasCeph } from './ceph/cluster.ts'
import {
  cutAt,
  fail,
  failAfter,
  type Fault,
  FaultProxy,
  halfwayTo,
  pass,
  resetAfter,
  resetBefore,
  silence,
  silenceAfter,
  stallAt,
  withHeaders
} from './fault-proxy.ts'

/** What a silent store is waited for. One that is only slow is waited for much longer. */
const SILENCE_MS = 2_000
const TEXT = '0123456789'
const BYTES = b4a.from(TEXT)
const WHOLE = { start: 0, end: 100 }
const UNAVAILABLE = 'S3_ARCHIVER_STORE_UNAVAILABLE'
const THROTTLED = 'S3_ARCHIVER_STORE_THROTTLED'
const TIMEOUT = 'S3_ARCHIVER_STORE_TIMEOUT'
const TRUNCATED = 'S3_ARCHIVER_STORE_TRUNCATED'
const SKEW = 'S3_ARCHIVER_STORE_CLOCK_SKEW'

/** With what a fault is met that shows as this. */
function patienceWith(code: string): Partial<S3StoreOptions> {
  return code === TIMEOUT ? { timeoutMs: SILENCE_MS } : {}
}

async function textOf(store: ObjectStore, name: string): Promise<string | null> {
  const result = await store.getRange(name, WHOLE)
  return result === null ? null : b4a.toString(result.bytes)
}

describe.skipIf(!hasCeph())('S3, on Ceph behind a proxy with faults', () => {
  let cluster: Cluster
  let direct: S3Store
  let proxy: FaultProxy
  let stranger: S3StoreOptions['credentials']
  const opened: S3Store[] = []
  let count = 0

  beforeAll(async () => {
    cluster = await Cluster.start()
    direct = await cluster.bucket('faults')
    // Before a gateway is killed: it waits for that one, too.
    stranger = await cluster.addUser('stranger')
  })
  afterAll(async () => {
    direct?.close()
    await cluster?.stop()
  })
  beforeEach(async () => {
    proxy = await FaultProxy.start(cluster.endpoint)
  })
  afterEach(() => {
    vi.useRealTimers()
    for (const store of opened.splice(0)) store.close()
    proxy.stop()
  })

  function open(options: Partial<S3StoreOptions> = {}): S3Store {
    const store = cluster.open('faults', { endpoint: proxy.endpoint, timeoutMs: 240_000, ...options })
    opened.push(store)
    return store
  }

  /** A new object's name. */
  async function named(bytes: Uint8Array | null = BYTES): Promise<string> {
    const name = `o/${count++}`
    if (bytes !== null) await direct.putIfAbsent(name, bytes)
    return name
  }

  describe('a put', () => {
    test.each<[string, Fault, code: string, ambiguous: boolean, isThere: boolean]>([
      ['500', fail(500, 'InternalError'), UNAVAILABLE, true, false],
      ['500 of a proxy', fail(500), UNAVAILABLE, true, false],
      ['500 after it was done', failAfter, UNAVAILABLE, true, true],
      ['503 SlowDown', fail(503, 'SlowDown'), THROTTLED, false, false],
      ['503 of a proxy', fail(503), UNAVAILABLE, true, false],
      ['429', fail(429), THROTTLED, false, false],
      ['a connection reset before it was done', resetBefore, UNAVAILABLE, true, false],
      ['a connection reset after it was done', resetAfter, UNAVAILABLE, true, true],
      ['silence before it was done', silence, TIMEOUT, true, false],
      ['silence after it was done', silenceAfter, TIMEOUT, true, true]
    ])('that meets %s says so, once', async (_, fault, code, ambiguous, isThere) => {
      const name = await named(null)
      proxy.faults.push(fault)
      const putting = open(patienceWith(code)).putIfAbsent(name, BYTES)
      await expect(putting).rejects.toMatchObject({ code, retryable: true, ambiguous })
      // What comes of it is reported, not guessed: nothing was asked a second time.
      expect(proxy.requests).toEqual(['PUT'])
      // Who was silent may still be at it.
      if (isThere) await until(() => textOf(direct, name))
      expect(await textOf(direct, name)).toBe(isThere ? TEXT : null)
      expect(await direct.putIfAbsent(name, BYTES)).toBe(!isThere)
    })

    test('that a store does not know conditions for is refused for good', async () => {
      proxy.faults.push(fail(501, 'NotImplemented'))
      const putting = open().putIfAbsent(await named(null), BYTES)
      const code = 'S3_ARCHIVER_STORE_NO_CONDITIONS'
      await expect(putting).rejects.toMatchObject({ code, retryable: false, ambiguous: false })
    })

    test('that the store did not take for a conflict is made again, but not for ever', async () => {
      const conflict = fail(409, 'ConditionalRequestConflict')
      proxy.faults.push(conflict)
      expect(await open().putIfAbsent(await named(null), BYTES)).toBe(true)
      expect(proxy.requests).toEqual(['PUT', 'PUT'])
      proxy.always = conflict
      const putting = open().putIfAbsent(await named(null), BYTES)
      await expect(putting).rejects.toMatchObject({ code: THROTTLED, retryable: true, ambiguous: false })
      expect(proxy.requests).toHaveLength(2 + 6)
    })

    test('that is aborted while it is on its way may have happened', async () => {
      proxy.faults.push(silenceAfter)
      const controller = new AbortController()
      const putting = open().putIfAbsent(await named(null), BYTES, { signal: controller.signal })
      await until(() => proxy.requests.length === 1)
      controller.abort()
      await expect(putting).rejects.toMatchObject({ code: 'S3_ARCHIVER_ABORTED', ambiguous: true })
    })

    test('to where nobody listens did not happen', async () => {
      const store = open()
      proxy.stop()
      const putting = store.putIfAbsent('a', BYTES)
      await expect(putting).rejects.toMatchObject({ code: UNAVAILABLE, retryable: true, ambiguous: false })
    })

    test('whose gateway is killed in the middle is not there, and can be made again', async () => {
      const bytes = crypto.randomBytes(8 * 1024 * 1024)
      const name = await named(null)
      const halfway = await halfwayTo(cluster.endpoint, 2 * 1024 * 1024)
      const putting = open({ endpoint: halfway.endpoint })
        .putIfAbsent(name, bytes)
        .catch((error: unknown) => error)
      await halfway.reached
      await cluster.killGateway()
      const failure = await putting
      halfway.stop()
      // Before anything can fail: the other tests need it, too.
      await cluster.startGateway()
      expect(failure).toMatchObject({ code: UNAVAILABLE, retryable: true, ambiguous: true })
      expect(await direct.getRange(name, WHOLE)).toBeNull()
      expect(await collect(direct.list(name))).toEqual([])
      expect(await direct.putIfAbsent(name, bytes)).toBe(true)
      const read = await direct.getRange(name, { start: 0, end: bytes.byteLength })
      expect(b4a.equals(read?.bytes ?? b4a.alloc(0), bytes)).toBe(true)
    })
  })

  describe('a read', () => {
    test.each<[string, Fault, code: string]>([
      ['500', fail(500, 'InternalError'), UNAVAILABLE],
      ['503 SlowDown', fail(503, 'SlowDown'), THROTTLED],
      ['a connection reset', resetBefore, UNAVAILABLE],
      ['silence', silence, TIMEOUT]
    ])('that meets %s once is tried again; if that goes on, it is an error', async (_, fault, code) => {
      const name = await named()
      proxy.faults.push(fault)
      expect(await textOf(open(patienceWith(code)), name)).toBe(TEXT)
      expect(proxy.requests).toEqual(['GET', 'GET'])
      proxy.always = fault
      const store = open({ attempts: 2, ...patienceWith(code) })
      const calls: (() => Promise<unknown>)[] = [
        () => store.getRange(name, WHOLE),
        () => store.head(name),
        () => collect(store.list('o/')),
        () => store.delete(name)
      ]
      for (const call of calls) {
        proxy.requests.length = 0
        // An answer to HEAD has no room for `SlowDown`.
        const expected = code === THROTTLED && call === calls[1] ? UNAVAILABLE : code
        await expect(call()).rejects.toMatchObject({ code: expected, retryable: true, ambiguous: false })
        expect(proxy.requests).toHaveLength(2)
      }
    })

    test.each<[string, Fault, code: string]>([
      ['ends in the middle', cutAt(4), TRUNCATED],
      ['ends before it began', cutAt(0), TRUNCATED],
      ['stops in the middle', stallAt(4), TIMEOUT],
      [
        'is shorter than it says',
        withHeaders((headers) => ({ ...headers, 'content-length': '7' })),
        TRUNCATED
      ],
      [
        'is of other bytes',
        withHeaders((headers) => ({ ...headers, 'content-range': 'bytes 1-10/11' })),
        TRUNCATED
      ],
      [
        'is shorter than the object',
        withHeaders((headers) => ({ ...headers, 'content-range': 'bytes 0-10/11' })),
        TRUNCATED
      ]
    ])('whose answer %s is an error', async (_, fault, code) => {
      const name = await named()
      proxy.faults.push(fault)
      const store = open(patienceWith(code))
      await expect(store.getRange(name, WHOLE)).rejects.toMatchObject({ code, retryable: true })
      expect(await textOf(store, name)).toBe(TEXT)
    })

    test('that is aborted in the middle of the answer ends', async () => {
      const name = await named()
      proxy.faults.push(stallAt(4))
      const controller = new AbortController()
      const reading = open()
        .getRange(name, WHOLE, { signal: controller.signal })
        .catch((error: unknown) => error)
      await until(() => proxy.requests.length === 1)
      controller.abort()
      expect(await reading).toMatchObject({ code: 'S3_ARCHIVER_ABORTED' })
    })

    test('of a store that does not know parts gives the part all the same', async () => {
      const name = await named()
      proxy.faults.push(async ({ forward, answer }) => {
        const { headers, ...rest } = await forward()
        const { 'content-range': _, ...whole } = headers
        answer({ ...rest, status: 200, headers: { ...whole, 'content-length': '10' }, body: BYTES })
      })
      const part = await open().getRange(name, { start: 3, end: 5 })
      expect([b4a.toString(part?.bytes ?? b4a.alloc(0)), part?.size]).toEqual(['34', 10])
    })

    test('of a list that ignores where it is to begin, or ends in the middle, is an error', async () => {
      const unsorted = 'S3_ARCHIVER_STORE_UNSORTED'
      const page = (...rest: string[]): Fault => {
        const body = `<ListBucketResult><Contents><Key>o/1</Key><Size>1</Size></Contents>${rest.join('')}</ListBucketResult>`
        return ({ answer }) => answer({ status: 200, headers: {}, body: Buffer.from(body) })
      }
      proxy.faults.push(page())
      await expect(collect(open().list('o/', { after: 'o/2' }))).rejects.toMatchObject({ code: unsorted })
      proxy.faults.push(page())
      await expect(collect(open().list('other/'))).rejects.toMatchObject({ code: unsorted })
      proxy.faults.push(page('<IsTruncated>true</IsTruncated>'))
      await expect(collect(open().list('o/'))).rejects.toMatchObject({ code: unsorted })
    })
  })

  const verbs: [verb: string, call: (store: ObjectStore) => Promise<unknown>][] = [
    ['put', (store) => store.putIfAbsent('refused', BYTES)],
    ['get', (store) => store.getRange('o/0', WHOLE)],
    ['head', (store) => store.head('o/0')],
    ['list', (store) => collect(store.list(''))],
    ['delete', (store) => store.delete('o/0')]
  ]

  test.each<[string, code: string, options: () => Partial<S3StoreOptions>]>([
    [
      'a wrong secret',
      'S3_ARCHIVER_STORE_CREDENTIALS',
      () => ({ credentials: { accessKeyId: 'TESTKEY', secretAccessKey: 'WRONG' } })
    ],
    [
      'an unknown key',
      'S3_ARCHIVER_STORE_CREDENTIALS',
      () => ({ credentials: { accessKeyId: 'NOBODY', secretAccessKey: 'X' } })
    ],
    ['a bucket that is not there', 'S3_ARCHIVER_STORE_NO_BUCKET', () => ({ bucket: 'none' })],
    ['no permission', 'S3_ARCHIVER_STORE_DENIED', () => ({ ...(stranger && { credentials: stranger }) })]
  ])('with %s every call says so, and asks once', async (_, code, options) => {
    const store = open(options())
    const answers: Record<string, unknown> = {}
    for (const [verb, call] of verbs) {
      proxy.requests.length = 0
      const error = await call(store).catch((reason: unknown) => reason)
      expect(error).toMatchObject({ code, retryable: false, ambiguous: false })
      answers[verb] = proxy.requests.join()
    }
    // An answer to HEAD has no room for what is wrong.
    expect(answers).toEqual({ put: 'PUT', get: 'GET', head: 'HEAD,GET', list: 'GET', delete: 'DELETE' })
  })

  test('a clock that is an hour off is made up for, when the store tells its own', async () => {
    const name = await named()
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 3_600_000 })
    expect(await textOf(open(), name)).toBe(TEXT)
    expect(await open().head(name)).toMatchObject({ size: 10 })
    expect(await open().putIfAbsent(await named(null), BYTES)).toBe(true)
    expect(await open().putIfAbsent(name, BYTES)).toBe(false)
  })

  test('a clock that is an hour off has a code, when the store does not tell its own', async () => {
    const name = await named()
    proxy.always = withHeaders((headers) => ({ ...headers, date: '' }))
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 3_600_000 })
    for (const call of [
      (store: ObjectStore): Promise<unknown> => store.getRange(name, WHOLE),
      (store: ObjectStore): Promise<unknown> => store.head(name),
      (store: ObjectStore): Promise<unknown> => store.putIfAbsent('late', BYTES)
    ])
      await expect(call(open())).rejects.toMatchObject({ code: SKEW, retryable: false, ambiguous: false })
  })

  test('bytes that were changed on the way are handed on: that is for the archive’s hashes to notice', async () => {
    const name = await named()
    proxy.faults.push(async ({ forward, answer }) =>
      answer({ ...(await forward()), body: b4a.from('012345678X') })
    )
    expect(await textOf(open(), name)).toBe('012345678X')
    proxy.faults.push(pass)
    expect(await textOf(open(), name)).toBe(TEXT)
  })
})
