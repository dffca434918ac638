import { Cleanup } from '@cloudpal/test-kit'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createTimestampRequest, Timestamps } from '../src/timestamp/index.ts'
import { ada, bytesOf, codeOf } from './people.ts'
import { hasOpenssl, type TimeService, timeService } from './time-service.ts'

const event = ada().state.hash
const cleanup = new Cleanup()
let service: TimeService
/** What a real service answers about the event. */
let answer: Uint8Array
let nonce: Uint8Array

describe.skipIf(!hasOpenssl)('with OpenSSL 3, which is the service', () => {
  beforeAll(async () => {
    service = await timeService(cleanup)
    const asked = createTimestampRequest(event)
    nonce = asked.nonce
    answer = await service.reply(asked.request)
  })

  afterAll(() => cleanup.run())

  const stamps = (): Timestamps => new Timestamps([service.authority])

  async function refusal(of: Promise<unknown>): Promise<string> {
    return of.then(
      () => 'taken',
      ({ code, message }: { code?: string; message?: string }) => code ?? message ?? ''
    )
  }

  test('a service stamps an event, by HTTP', async () => {
    const mine = stamps()
    const before = Date.now()
    const stamp = await mine.stamp(await service.listen(), event, { fetch })
    expect(stamp).toMatchObject({ event, policy: '1.2.3.4.1' })
    // To the second, and a second and a half by which its clock may be wrong.
    expect(stamp.time).toBeGreaterThanOrEqual(Math.floor(before / 1000) * 1000 + 1500)
    expect([mine.timeOf(event), mine.timeOf(bytesOf(1)), mine.all]).toEqual([stamp.time, null, [stamp]])
  })

  test('what was kept counts again, and of two the earlier one, in any order', async () => {
    const mine = stamps()
    const { time } = await mine.add(event, answer, nonce)
    const later = await service.reply(createTimestampRequest(event).request)
    await mine.add(event, later)
    expect(mine.timeOf(event)).toBe(time)
    const again = stamps()
    await again.add(event, later)
    await again.add(event, answer)
    expect(again.timeOf(event)).toBe(time)
  })

  test('a stamp of something else, or for another request, is refused', async () => {
    expect(await refusal(stamps().add(bytesOf(1), answer))).toBe('KEY_ROTATION_TIMESTAMP_MISMATCH')
    const other = createTimestampRequest(event).nonce
    expect(await refusal(stamps().add(event, answer, other))).toBe('KEY_ROTATION_TIMESTAMP_MISMATCH')
    const replaying = await service.listen(async () => answer)
    expect(await refusal(stamps().stamp(replaying, event, { fetch }))).toBe('KEY_ROTATION_TIMESTAMP_MISMATCH')
  })

  test('only who an authority has certified to stamp, at that time, and to nothing else, is believed', async () => {
    const { request } = createTimestampRequest(event)
    const stranger = await timeService()
    expect(await refusal(stamps().add(event, await stranger.reply(request)))).toBe(
      'KEY_ROTATION_TIMESTAMP_UNTRUSTED'
    )
    expect(await refusal(stamps().add(event, await service.reply(request, 'over')))).toBe(
      'KEY_ROTATION_TIMESTAMP_UNTRUSTED'
    )
    expect(await refusal(stamps().add(event, await service.forge(answer, 'good', '-cades')))).toBe('taken')
    for (const signer of ['wide', 'web'] as const)
      expect(await refusal(stamps().add(event, await service.forge(answer, signer, '-cades')))).toBe(
        'KEY_ROTATION_TIMESTAMP_UNTRUSTED'
      )
    // It does not say by which certificate it is signed.
    expect(await refusal(stamps().add(event, await service.forge(answer, 'good')))).toBe(
      'KEY_ROTATION_TIMESTAMP_UNTRUSTED'
    )
  })

  test('a service that refuses, fails, talks nonsense or is away gives a code', async () => {
    const asks = (reply: () => Promise<Uint8Array>): Promise<string> =>
      service.listen(reply).then((url) => refusal(stamps().stamp(url, event, { fetch })))
    const refusing = (): Promise<Uint8Array> => service.reply(Buffer.from('no request'))
    expect(await asks(refusing)).toBe('KEY_ROTATION_TIMESTAMP_REFUSED')
    expect(await asks(async () => Buffer.from('<html>'))).toBe('KEY_ROTATION_MALFORMED')
    expect(await asks(async () => Buffer.alloc(0))).toBe('KEY_ROTATION_MALFORMED')
    expect(await asks(async () => Buffer.alloc(70_000))).toBe('KEY_ROTATION_TOO_LARGE')
    // Sequences in sequences, each without an end.
    expect(await asks(async () => Buffer.alloc(65_536, Buffer.from('3080', 'hex')))).toBe(
      'KEY_ROTATION_MALFORMED'
    )
    expect(await asks(() => Promise.reject(new Error('broken')))).toBe('KEY_ROTATION_TIMESTAMP_UNAVAILABLE')
    expect(await refusal(stamps().stamp('http://127.0.0.1:1', event, { fetch }))).toBe(
      'KEY_ROTATION_TIMESTAMP_UNAVAILABLE'
    )
    const signal = AbortSignal.abort()
    const away = stamps().stamp(await service.listen(), event, { fetch, signal })
    expect(await refusal(away)).toBe('KEY_ROTATION_TIMESTAMP_UNAVAILABLE')
  })

  test('a cut and a changed bit gives a code, or changes nothing of what was signed', async () => {
    const { time } = await stamps().add(event, answer)
    const codes = new Set<string>()
    for (let at = 0; at < answer.length; at += 3) {
      const changed = Buffer.from(answer)
      changed[at] = (changed[at] ?? 0) ^ (1 << (at % 8))
      for (const bytes of [changed, answer.subarray(0, at)]) {
        const mine = stamps()
        codes.add(await refusal(mine.add(event, bytes)))
        expect([null, time]).toContain(mine.timeOf(event))
      }
    }
    codes.delete('taken')
    expect([...codes].filter((code) => !code.startsWith('KEY_ROTATION_'))).toEqual([])
    expect(codes.size).toBeGreaterThanOrEqual(3)
  })

  test('what is no authority, event or option is refused', async () => {
    expect(codeOf(() => new Timestamps([]))).toBe('KEY_ROTATION_BAD_ARGUMENT')
    expect(codeOf(() => new Timestamps([bytesOf(1)]))).toBe('KEY_ROTATION_BAD_ARGUMENT')
    expect(codeOf(() => createTimestampRequest(bytesOf(1, 31)))).toBe('KEY_ROTATION_BAD_ARGUMENT')
    expect(await refusal(stamps().add(event, 'answer' as never))).toBe('KEY_ROTATION_BAD_ARGUMENT')
    expect(await refusal(stamps().stamp('', event, { fetsh: fetch } as never))).toBe(
      'KEY_ROTATION_BAD_ARGUMENT'
    )
  })
})
