import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import b4a from 'b4a'
import { afterEach, describe, expect, test } from 'vitest'
import { collect } from '@cloudpal/test-kit'
import { HttpStore } from '../src/index.ts'
import { Stop } from '../src/stop.ts'
import { readBucketPage } from '../src/store/bucket-list.ts'
import type { FetchLike } from '../src/store/http-store.ts'

const closers: (() => void)[] = []
afterEach(() => {
  for (const close of closers.splice(0)) close()
})

type Handler = (request: IncomingMessage, response: ServerResponse) => void

async function serve(handler: Handler): Promise<HttpStore> {
  const { url } = await serveAt(handler)
  return new HttpStore({ url: `${url}/db` })
}

async function serveAt(handler: Handler): Promise<{ url: string }> {
  const server = createServer(handler)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closers.push(() => {
    server.closeAllConnections()
    server.close()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }
}

/** A web server that knows parts, with one object at `/db/a/b`. */
const ranged: Handler = ({ url, method, headers }, response) => {
  const bytes = b4a.from('0123456789')
  const answer = (
    status: number,
    fields: Record<string, string | number>,
    body?: string | Uint8Array
  ): void => void response.writeHead(status, fields).end(body)
  response.setHeader('last-modified', new Date(5000).toUTCString())
  const [, start = 0, end = 0] = (/bytes=(\d+)-(\d+)/.exec(headers.range ?? '') ?? []).map(Number)
  const part = bytes.subarray(start, end + 1)
  const range = `bytes ${start}-${start + part.byteLength - 1}/10`
  if (url !== '/db/a/b') answer(404, {}, 'no')
  else if (method === 'HEAD') answer(200, { 'content-length': bytes.byteLength })
  else if (start >= bytes.byteLength) answer(416, { 'content-range': 'bytes */10' })
  else answer(206, { 'content-range': range, 'content-length': part.byteLength }, part)
}

const text = (result: { bytes: Uint8Array } | null): string | null => result && b4a.toString(result.bytes)

test('parts of what is published are read without credentials', async () => {
  const store = await serve(ranged)
  expect(text(await store.getRange('a/b', { start: 3, end: 6 }))).toBe('345')
  expect(await store.getRange('a/b', { start: 8, end: 99 })).toMatchObject({ size: 10 })
  expect(await store.getRange('a/b', { start: 10, end: 99 })).toEqual({ bytes: b4a.alloc(0), size: 10 })
  expect(await store.getRange('none', { start: 0, end: 1 })).toBeNull()
  expect(await store.head('a/b')).toEqual({ name: 'a/b', size: 10, modifiedMs: 5000 })
  expect(await store.head('none')).toBeNull()
})

test('a server that knows no parts is read all the same', async () => {
  const store = await serve((_, response) => void response.end('0123456789'))
  expect(await store.getRange('a/b', { start: 3, end: 6 })).toEqual({ bytes: b4a.from('345'), size: 10 })
})

test('a server that does not know HEAD, or tells no size, is asked for the first byte instead', async () => {
  for (const refusal of [405, 501, 200]) {
    const store = await serve((request, response) => {
      if (request.method !== 'HEAD') return ranged(request, response)
      response.writeHead(refusal, { 'transfer-encoding': 'chunked' }).end()
    })
    expect(await store.head('a/b')).toEqual({ name: 'a/b', size: 10, modifiedMs: 5000 })
    expect(await store.head('none')).toBeNull()
  }
  const whole = await serve(({ method }, response) => {
    if (method === 'HEAD') response.writeHead(405).end()
    else response.end('012')
  })
  expect(await whole.head('a')).toEqual({ name: 'a', size: 3, modifiedMs: 0 })
  const empty = await serve(
    ({ method }, response) => void response.writeHead(method === 'HEAD' ? 405 : 416).end()
  )
  expect(await empty.head('a')).toEqual({ name: 'a', size: 0, modifiedMs: 0 })
})

test('the size that a compressing server tells of is not believed', async () => {
  const store = await serve((request, response) => {
    if (request.method === 'HEAD')
      response.writeHead(200, { 'content-encoding': 'gzip', 'content-length': 7 }).end()
    else ranged(request, response)
  })
  expect(await store.head('a/b')).toMatchObject({ size: 10 })
})

test('where a server does not say how long what is asked past its end is, it is asked', async () => {
  const store = await serve((request, response) => {
    if (request.method === 'HEAD') ranged(request, response)
    else response.writeHead(416).end()
  })
  expect(await store.getRange('a/b', { start: 10, end: 11 })).toEqual({ bytes: b4a.alloc(0), size: 10 })
})

test('a redirect is refused, and who is named is not asked', async () => {
  let asked = 0
  const store = await serve(({ url }, response) => {
    asked++
    if (url === '/db/a') response.writeHead(302, { location: '/elsewhere' }).end()
    else response.end('0123456789')
  })
  for (const reading of [store.getRange('a', { start: 0, end: 1 }), store.head('a')])
    await expect(reading).rejects.toMatchObject({
      code: 'S3_ARCHIVER_STORE_FAILED',
      retryable: false,
      message: expect.stringContaining('/elsewhere') as string
    })
  expect(asked).toBe(2)
})

test('nothing is asked on conditions, compressed or out of a cache', async () => {
  const asked: IncomingMessage[] = []
  const store = await serve((request, response) => {
    asked.push(request)
    ranged(request, response)
  })
  await store.getRange('a/b', { start: 0, end: 1 })
  await store.head('a/b')
  for (const { headers } of asked) {
    expect(headers).toMatchObject({ 'accept-encoding': 'identity', 'cache-control': 'no-cache' })
    expect(Object.keys(headers).filter((name) => name.startsWith('if-'))).toEqual([])
    expect(headers.authorization ?? headers.cookie).toBeUndefined()
  }
})

test('it cannot be written or listed', async () => {
  const store = await serve(ranged)
  expect(store.readOnly).toBe(true)
  await expect(store.putIfAbsent()).rejects.toMatchObject({ code: 'S3_ARCHIVER_STORE_READ_ONLY' })
  await expect(store.delete()).rejects.toMatchObject({ code: 'S3_ARCHIVER_STORE_READ_ONLY' })
  await expect(store.list('a').next()).rejects.toMatchObject({ code: 'S3_ARCHIVER_STORE_DENIED' })
})

test.each([
  [403, 'S3_ARCHIVER_STORE_DENIED', false],
  [503, 'S3_ARCHIVER_STORE_THROTTLED', true],
  [500, 'S3_ARCHIVER_STORE_UNAVAILABLE', true],
  [418, 'S3_ARCHIVER_STORE_FAILED', false]
])('an answer of %i is an error with a code', async (status, code, retryable) => {
  const store = await serve((_, response) => void response.writeHead(status).end('no'))
  await expect(store.getRange('a', { start: 0, end: 1 })).rejects.toMatchObject({ code, retryable })
})

test('an answer that ends too early, is too short, or does not come is an error', async () => {
  const range = { start: 0, end: 10 }
  const cut = await serve((_, response) => {
    response.writeHead(206, { 'content-range': 'bytes 0-9/10', 'content-length': 10 })
    response.write('012', () => response.destroy())
  })
  await expect(cut.getRange('a', range)).rejects.toMatchObject({
    code: 'S3_ARCHIVER_STORE_TRUNCATED',
    retryable: true
  })
  const short = await serve(
    (_, response) => void response.writeHead(206, { 'content-range': 'bytes 0-9/10' }).end('012')
  )
  await expect(short.getRange('a', range)).rejects.toMatchObject({ code: 'S3_ARCHIVER_STORE_TRUNCATED' })
  const other = await serve(
    (_, response) => void response.writeHead(206, { 'content-range': 'bytes 5-14/20' }).end('0123456789')
  )
  await expect(other.getRange('a', range)).rejects.toMatchObject({ code: 'S3_ARCHIVER_STORE_TRUNCATED' })
  const none = await serve((_, response) => void response.destroy())
  await expect(none.getRange('a', range)).rejects.toMatchObject({ code: 'S3_ARCHIVER_STORE_UNAVAILABLE' })
})

test('a read that is aborted ends', async () => {
  const store = await serve(() => {})
  const controller = new AbortController()
  const reading = store.getRange('a', { start: 0, end: 1 }, { signal: controller.signal })
  controller.abort()
  await expect(reading).rejects.toMatchObject({ code: 'S3_ARCHIVER_ABORTED' })

  const later = new AbortController()
  const halting = await serve((_, response) => {
    response.writeHead(206, { 'content-range': 'bytes 0-9/10', 'content-length': 10 })
    response.write('012', () => setImmediate(() => later.abort()))
  })
  const half = halting.getRange('a', { start: 0, end: 10 }, { signal: later.signal })
  await expect(half).rejects.toMatchObject({ code: 'S3_ARCHIVER_ABORTED' })
})

test.each([undefined, {}, { url: '' }, { url: 'ftp://x' }, { url: 'http://x', fetch: 1 }])(
  '%j is no server',
  (options) => {
    expect(() => new HttpStore(options as never)).toThrow('S3_ARCHIVER_BAD_ARGUMENT')
  }
)

describe('a bucket that anybody may list', () => {
  const names = Array.from({ length: 5 }, (_, i) => `db/l/000${i}`)

  async function bucket(
    change: (xml: string) => string = (xml) => xml
  ): Promise<{ store: HttpStore; asked: URL[] }> {
    const asked: URL[] = []
    const { url } = await serveAt((request, response) => {
      const query = new URL(request.url ?? '', 'http://bucket')
      asked.push(query)
      const { searchParams } = query
      const after = searchParams.get('continuation-token') ?? searchParams.get('start-after') ?? ''
      const left = names.filter((name) => name.startsWith(searchParams.get('prefix') ?? '') && name > after)
      const page = left.slice(0, Math.min(2, Number(searchParams.get('max-keys'))))
      const rest = `<IsTruncated>${left.length > page.length}</IsTruncated><NextContinuationToken>${page.at(-1)}</NextContinuationToken>`
      const contents = page.map(
        (name) =>
          `<Contents><Key>${name}</Key><LastModified>2026-01-02T03:04:05.000Z</LastModified><ETag>&quot;x&quot;</ETag><Size>7</Size></Contents>`
      )
      response.end(
        change(
          `<?xml version="1.0"?><ListBucketResult xmlns="x">${contents.join('')}${rest}</ListBucketResult>`
        )
      )
    })
    return { store: new HttpStore({ url: `${url}/db`, bucket: url }), asked }
  }

  test('is listed in pages, in order, from a name on, and no more than is wanted', async () => {
    const { store, asked } = await bucket()
    const modifiedMs = Date.parse('2026-01-02T03:04:05Z')
    expect(await collect(store.list('l/'))).toEqual(
      names.map((name) => ({ name: name.slice(3), size: 7, modifiedMs }))
    )
    expect(asked).toHaveLength(3)
    expect(await collect(store.list('l/', { limit: 1 }))).toHaveLength(1)
    expect(asked.at(-1)?.searchParams.get('max-keys')).toBe('1')
    expect((await collect(store.list('l/', { after: 'l/0002' }))).map(({ name }) => name)).toEqual([
      'l/0003',
      'l/0004'
    ])
  })

  test('that answers anything else is refused', async () => {
    const list = async (change: (xml: string) => string): Promise<unknown> =>
      collect((await bucket(change)).store.list('l/'))
    const failed = { code: 'S3_ARCHIVER_STORE_FAILED' }
    await expect(list(() => '<html>welcome</html>')).rejects.toMatchObject(failed)
    await expect(list((xml) => xml.replace('<Size>7</Size>', ''))).rejects.toMatchObject(failed)
    const unsorted = { code: 'S3_ARCHIVER_STORE_UNSORTED' }
    await expect(list((xml) => xml.replace('0000', '0003'))).rejects.toMatchObject(unsorted)
    await expect(list((xml) => xml.replace('db/l', 'dc/l'))).rejects.toMatchObject(unsorted)
  })

  test('begins the url', () => {
    const options = { url: 'http://a.example/db', bucket: 'http://b.example' }
    expect(() => new HttpStore(options)).toThrow(
      expect.objectContaining({ code: 'S3_ARCHIVER_BAD_ARGUMENT' })
    )
  })
})

test('a signal that is not the runtime’s own ends a call, too', async () => {
  const store = await serve(() => {})
  const stop = new Stop()
  const reading = store.getRange('a/b', { start: 0, end: 4 }, { signal: stop })
  stop.abort()
  await expect(reading).rejects.toMatchObject({ code: 'S3_ARCHIVER_ABORTED' })
  await expect(store.head('a/b', { signal: stop })).rejects.toMatchObject({ code: 'S3_ARCHIVER_ABORTED' })
  const found = await (await serve(ranged)).getRange('a/b', { start: 2, end: 4 }, { signal: new Stop() })
  expect(found?.bytes).toEqual(b4a.from('23'))
})

describe('a server that means harm', () => {
  test('is not read on when its list ends within an object', () => {
    const xml = `<ListBucketResult >${'<Contents>'.repeat(20_000)}`
    expect(() => readBucketPage(xml)).toThrow('S3_ARCHIVER_STORE_FAILED')
  })

  test('does not list without end', async () => {
    let calls = 0
    const xml = `<ListBucketResult ><IsTruncated>true</IsTruncated><NextContinuationToken>a</NextContinuationToken></ListBucketResult>`
    const fetch: FetchLike = async () => {
      calls++
      return {
        status: 200,
        headers: { get: () => null },
        arrayBuffer: async () => new TextEncoder().encode(xml).buffer
      }
    }
    const store = new HttpStore({ url: 'http://a/b/', bucket: 'http://a/b/', fetch })
    await expect(collect(store.list('l/', { limit: 1 }))).rejects.toMatchObject({
      code: 'S3_ARCHIVER_STORE_UNSORTED'
    })
    expect(calls).toBe(2)
  })

  test.each([200, 206])('with %d does not answer without end', async (status) => {
    let sent = 0
    const reader = {
      read: async () => ({ done: false, value: b4a.alloc((sent += 65_536) && 65_536) }),
      cancel: async () => {}
    }
    const headers = { get: (name: string) => (name === 'content-range' ? 'bytes 0-99/100' : null) }
    const arrayBuffer = async (): Promise<never> => {
      throw new Error('all of it')
    }
    const fetch: FetchLike = async () => ({ status, headers, arrayBuffer, body: { getReader: () => reader } })
    const store = new HttpStore({ url: 'http://a/b/', fetch })
    const reading = store.getRange('a', { start: 0, end: 100 })
    await expect(reading).rejects.toMatchObject({ code: 'S3_ARCHIVER_STORE_FAILED' })
    expect(sent).toBeLessThan(32 * 1024 * 1024)
  })
})
