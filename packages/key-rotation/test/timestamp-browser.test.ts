import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { testCleanup } from '@cloudpal/test-kit'
import { CHROMIUM, openPage, pageScript } from '@cloudpal/test-kit/chromium'
import { expect, test } from 'vitest'
import { createTimestampRequest, Timestamps } from '../src/timestamp/index.ts'
import { ada, bytesOf } from './people.ts'
import { hasOpenssl, timeService } from './time-service.ts'

/** An empty page at a place that a browser trusts with cryptography. */
async function pageUrl(): Promise<string> {
  const server = createServer((_, response) =>
    response.end('<!doctype html><title>test</title><body></body>')
  )
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready))
  testCleanup().defer('stream', () => {
    server.closeAllConnections()
    return new Promise((closed) => server.close(closed))
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

test.skipIf(CHROMIUM === '' || !hasOpenssl)(
  'in Chromium a time stamp is believed, or refused, as on Node (skipped where there is none, or no OpenSSL 3)',
  async () => {
    const event = ada().state.hash
    const service = await timeService()
    const answer = await service.reply(createTimestampRequest(event).request)
    const { time } = await new Timestamps([service.authority]).add(event, answer)
    const script = await pageScript(`${import.meta.dirname}/browser/timestamp.mjs`)
    const { page } = await openPage(script, { url: await pageUrl() })
    const check = (...parts: Uint8Array[]): Promise<number | string> =>
      page.evaluate(
        (given) => {
          const { check: run } = globalThis as unknown as {
            check(...given: number[][]): Promise<number | string>
          }
          return run(...given)
        },
        parts.map((part) => [...part])
      )
    expect(await check(service.authority, event, answer)).toBe(time)
    expect(await check(service.authority, bytesOf(1), answer)).toBe('KEY_ROTATION_TIMESTAMP_MISMATCH')
  }
)
