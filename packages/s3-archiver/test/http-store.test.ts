import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import b4a from 'b4a'
import { afterEach, expect, test } from 'vitest'
import { HttpStore } from '../src/index.ts'

const closers: (() => void)[] = []
afterEach(() => {
  for (const close of closers.splice(0)) close()
})

type Handler = (request: IncomingMessage, response: ServerResponse) => void

async function serve(handler: Handler): Promise<HttpStore> {
  const server = createServer(handler)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closers.push(() => {
    server.closeAllConnections()
    server.close()
  })
  return new HttpStore({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/db` })
}

/** A web server that knows parts, with one object at `/db/a/b`. */
const ranged: Handler = ({ url, method, headers }, response) => {
  const bytes = b4a.from('0123456789')
  if (url !== '/db/a/b') return void response.writeHead(404).end('no')
  response.setHeader('last-modified', new Date(5000).toUTCString())
  if (method === 'HEAD') return void response.writeHead(200, { 'content-length': bytes.byteLength }).end()
  const [, start = 0, end = 0] = (/bytes=(\d+)-(\d+)/.exec(headers.range ?? '') ?? []).map(Number)
  if (start >= bytes.byteLength) return void response.writeHead(416, { 'content-range': 'bytes */10' }).end()
  const part = bytes.subarray(start, end + 1)
  const range = `bytes ${start}-${start + part.byteLength - 1}/10`
  response.writeHead(206, { 'content-range': range, 'content-length': part.byteLength }).end(part)
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

test('it cannot be written or listed', async () => {
  const store = await serve(ranged)
  expect(store.readOnly).toBe(true)
  await expect(store.putIfAbsent()).rejects.toMatchObject({ code: 'S3_ARCHIVER_STORE_READ_ONLY' })
  await expect(store.delete()).rejects.toMatchObject({ code: 'S3_ARCHIVER_STORE_READ_ONLY' })
  await expect(store.list().next()).rejects.toMatchObject({ code: 'S3_ARCHIVER_STORE_DENIED' })
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
  const none = await serve((_, response) => void response.destroy())
  await expect(none.getRange('a', range)).rejects.toMatchObject({ code: 'S3_ARCHIVER_STORE_UNAVAILABLE' })
})

test('a read that is aborted ends', async () => {
  const store = await serve(() => {})
  const controller = new AbortController()
  const reading = store.getRange('a', { start: 0, end: 1 }, { signal: controller.signal })
  controller.abort()
  await expect(reading).rejects.toMatchObject({ code: 'S3_ARCHIVER_ABORTED' })
})

test.each([undefined, {}, { url: '' }, { url: 'ftp://x' }, { url: 'http://x', fetch: 1 }])(
  '%j is no server',
  (options) => {
    expect(() => new HttpStore(options as never)).toThrow('S3_ARCHIVER_BAD_ARGUMENT')
  }
)
