import b4a from 'b4a'
import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, onTestFinished, test } from 'vitest'
import { S3Store } from '../src/s3/index.ts'

const PART = b4a.alloc(1024 * 1024, 7)
const RANGE = { start: 0, end: 100 }

/** A store that gives the same answer to everything. */
async function answering(answer: (response: ServerResponse) => void): Promise<S3Store> {
  const server = createServer((_, response) => answer(response))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const endpoint = `http://127.0.0.1:${port}`
  const credentials = { accessKeyId: 'a', secretAccessKey: 'b' }
  const store = new S3Store({ bucket: 'bucket', endpoint, credentials, attempts: 1 })
  onTestFinished(() => {
    store.close()
    server.closeAllConnections()
    server.close()
  })
  return store
}

function pour(response: ServerResponse, from: () => Uint8Array | null): void {
  for (let part = from(); part !== null; part = from())
    if (!response.write(part)) return void response.once('drain', () => pour(response, from))
  response.end()
}

describe('an answer of S3', () => {
  test('without end is read to its measure only', async () => {
    let parts = 0
    const store = await answering((response) => pour(response, () => (parts++ < 200 ? PART : null)))
    const reading = store.getRange('a/b', RANGE)
    await expect(reading).rejects.toMatchObject({ code: 'S3_ARCHIVER_STORE_FAILED' })
    expect(parts).toBeLessThan(100)
  })

  test('that says it is too long is not read', async () => {
    const store = await answering((response) => {
      response.writeHead(206, { 'content-length': 2 ** 40, 'content-range': 'bytes 0-99/100' })
      response.write(PART)
    })
    const reading = store.getRange('a/b', RANGE)
    await expect(reading).rejects.toMatchObject({ code: 'S3_ARCHIVER_STORE_FAILED' })
  })

  test('without a length is taken as it is, when it is the range that was asked for', async () => {
    const store = await answering((response) => {
      response.writeHead(206, { 'content-range': 'bytes 0-99/500' })
      response.write(PART.subarray(0, 60))
      response.end(PART.subarray(0, 40))
    })
    expect(await store.getRange('a/b', RANGE)).toEqual({ bytes: b4a.alloc(100, 7), size: 500 })
  })

  test.each([99, 101])('of %i bytes that says it has 100 is not taken', async (bytes) => {
    const store = await answering((response) => {
      response.writeHead(206, { 'content-range': 'bytes 0-99/500' })
      response.end(PART.subarray(0, bytes))
    })
    const code = bytes < 100 ? 'S3_ARCHIVER_STORE_TRUNCATED' : 'S3_ARCHIVER_STORE_FAILED'
    await expect(store.getRange('a/b', RANGE)).rejects.toMatchObject({ code })
  })
})
