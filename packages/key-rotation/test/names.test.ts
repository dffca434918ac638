import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import fc from 'fast-check'
import { expect, test, vi } from 'vitest'
import { isUtf8 } from '../src/format/utf8.ts'
import { requestToJoin } from '../src/index.ts'
import { ada, addDevice, codeOf, keyPair } from './people.ts'

test('a name that engines read in different ways is refused where it is given', () => {
  const { identity } = ada().state
  const named = (name: string): string | null =>
    codeOf(() => requestToJoin(identity, keyPair('phone'), { name }))
  expect([named('\uFEFFphone'), named('pho\uD800ne'), named('phone ☎ 📱')]).toEqual([
    'KEY_ROTATION_BAD_ARGUMENT',
    'KEY_ROTATION_BAD_ARGUMENT',
    null
  ])
})

test('a byte order mark is refused by browsers as by Node, whatever their decoders make of it', async () => {
  const chain = ada()
  addDevice(chain, 'phone abc')
  const bytes = Buffer.from(chain.toBytes())
  bytes.set([0xef, 0xbb, 0xbf], bytes.indexOf('phone abc'))
  const require = createRequire(import.meta.url)
  const browserB4a = require(join(dirname(require.resolve('b4a')), 'browser.js')) as object
  const codeHere = async (): Promise<string | null> => {
    vi.resetModules()
    const { verify } = await import('../src/index.ts')
    return codeOf(() => verify(bytes, { trusted: chain.state.identity }))
  }
  vi.doMock('b4a', () => ({ default: browserB4a }))
  try {
    expect(await codeHere()).toBe('KEY_ROTATION_MALFORMED')
  } finally {
    vi.doUnmock('b4a')
  }
  expect(await codeHere()).toBe('KEY_ROTATION_MALFORMED')
})

test('half a surrogate pair is refused where there is no decoder but that of b4a, as in Hermes', async () => {
  const chain = ada()
  addDevice(chain, 'phone abc')
  const bytes = Buffer.from(chain.toBytes())
  bytes.set([0xed, 0xa0, 0x80], bytes.indexOf('phone abc'))
  const require = createRequire(import.meta.url)
  const folder = dirname(require.resolve('b4a'))
  const forget = (): void => {
    for (const path of Object.keys(require.cache)) if (path.startsWith(folder)) delete require.cache[path]
  }
  forget()
  vi.stubGlobal('TextDecoder', undefined)
  const hermesB4a = require(join(folder, 'browser.js')) as { toString(bytes: Uint8Array): string }
  vi.unstubAllGlobals()
  forget()
  expect(hermesB4a.toString(Uint8Array.of(0xed, 0xa0, 0x80, 0x61))).toBe('\uD800a')
  vi.resetModules()
  vi.doMock('b4a', () => ({ default: hermesB4a }))
  try {
    const { decodeEvent, decodeChain } = await import('../src/index.ts')
    const event = decodeChain(bytes)[1] as Uint8Array
    expect(codeOf(() => decodeEvent(event))).toBe('KEY_ROTATION_MALFORMED')
  } finally {
    vi.doUnmock('b4a')
    vi.resetModules()
  }
})

/** Bytes that are UTF-8, or nearly. */
const nearly = fc
  .tuple(fc.string({ unit: 'binary' }), fc.option(fc.tuple(fc.nat(), fc.integer({ min: 0x7f, max: 0xff }))))
  .map(([text, change]) => {
    const bytes = Buffer.from(text)
    if (change !== null && bytes.length > 0) bytes[change[0] % bytes.length] = change[1]
    return bytes
  })

test('what is UTF-8 is what the web’s decoder takes', () => {
  const decoder = new TextDecoder('utf-8', { fatal: true })
  const isTaken = (bytes: Uint8Array): boolean => {
    try {
      decoder.decode(bytes)
      return true
    } catch {
      return false
    }
  }
  fc.assert(
    fc.property(fc.oneof(nearly, fc.uint8Array({ maxLength: 6 })), (bytes) => {
      expect(isUtf8(bytes)).toBe(isTaken(bytes))
    }),
    { numRuns: 2000 }
  )
  const edges = [
    '',
    'c080',
    'c1bf',
    'e09fbf',
    'e0a080',
    'ed9fbf',
    'eda080',
    'f08fbfbf',
    'f0908080',
    'f48fbfbf',
    'f4908080',
    'e282'
  ]
  for (const edge of edges.map((hex) => Buffer.from(hex, 'hex'))) expect(isUtf8(edge)).toBe(isTaken(edge))
})
