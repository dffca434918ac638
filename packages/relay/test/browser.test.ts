import crypto from 'hypercore-crypto'
import { tmpStore, until } from '@cloudpal/test-kit'
import { CHROMIUM, openPage, pageScript } from '@cloudpal/test-kit/chromium'
import Hyperbee from 'hyperbee'
import curve from 'noise-curve-ed'
import { describe, expect, test } from 'vitest'
import { ed25519Curve } from '../src/protocol/curve-browser.ts'
import type { Connection } from '../src/index.ts'
import { asStream, startDevice, startRelay } from './relays.ts'

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

const PAGES = `${import.meta.dirname}/browser`

/** A page that keeps what Hypercore writes in memory. */
async function open(script: string): ReturnType<typeof openPage> {
  const [files, rocks] = [`${PAGES}/no-files.mjs`, `${PAGES}/memory-rocks.mjs`]
  const alias = { 'rocksdb-native': rocks, 'device-file': files, fs: files, path: files }
  return openPage(await pageScript(`${PAGES}/${script}`, alias))
}

test('the curve of browsers gives what libsodium gives, and refuses what it refuses', () => {
  for (let i = 0; i < 50; i++) {
    const [mine, theirs] = [crypto.keyPair(), crypto.keyPair()]
    expect(ed25519Curve.dh(theirs.publicKey, mine)).toEqual(curve.dh(theirs.publicKey, mine))
  }
  // Order 1, 2, 4 and 8 (RFC 7748 and the “taming the many EdDSAs” list), and a point of mixed order.
  const odd = [
    `01${'00'.repeat(31)}`,
    `ec${'ff'.repeat(30)}7f`,
    '00'.repeat(32),
    'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
    'cdb267ce40c5cd45306fa5d2f29731459387dbf9eb933b7bd5aed9a765b88d4d'
  ]
  for (const point of odd) {
    const key = Buffer.from(point, 'hex')
    expect(() => curve.dh(key, crypto.keyPair())).toThrow(/./)
    expect(() => ed25519Curve.dh(key, crypto.keyPair())).toThrow(/./)
  }
})

describe.skipIf(CHROMIUM === '')('in Chromium (skipped where there is none)', () => {
  test('a page reads a Hyperbee of a desktop, block by block and verified, through the relay', async () => {
    const [pageSeed, desktop] = [crypto.randomBytes(32), crypto.keyPair()]
    const { relay, address } = await startRelay([crypto.keyPair(pageSeed), desktop])
    const store = await tmpStore()
    const bee = new Hyperbee<string, object>(store.get({ name: 'bee' }), {
      keyEncoding: 'utf-8',
      valueEncoding: 'json'
    })
    const batch = bee.batch()
    for (let i = 0; i < 1_000; i++) await batch.put(`contact ${i}`, { name: `Ada ${i}` })
    await batch.flush()
    const device = await startDevice(desktop, { relays: [address] })
    device.on('connection', (connection: Connection) => store.replicate(asStream(connection)))
    await until(() => device.registeredAt.length === 1)
    const { page, errors } = await open('bee-page.mjs')
    const task = {
      seed: hex(pageSeed),
      target: hex(desktop.publicKey),
      relay: hex(relay.publicKey),
      ws: `ws://127.0.0.1:${relay.ports.ws}`,
      key: hex(bee.core.key as Uint8Array),
      wanted: ['contact 7', 'contact 999', 'contact 1000']
    }
    const result = await page.evaluate((task) => {
      const { readBee } = globalThis as unknown as { readBee(task: unknown): Promise<object> }
      return readBee(task)
    }, task)
    expect(errors).toEqual([])
    expect(result).toEqual({
      values: [{ name: 'Ada 7' }, { name: 'Ada 999' }, null],
      kind: 'relay',
      transport: 'ws',
      length: 1_001,
      isSparse: true
    })
  })

  test('a page reaches a device through the relay over WebSocket, encrypted from end to end', async () => {
    const [pageSeed, desktop] = [crypto.randomBytes(32), crypto.keyPair()]
    const pageKeyPair = crypto.keyPair(pageSeed)
    const { relay, address } = await startRelay([pageKeyPair, desktop])
    const device = await startDevice(desktop, { relays: [address] })
    await until(() => device.registeredAt.length === 1)
    const visitors: string[] = []
    device.on('connection', (connection: Connection) => {
      visitors.push(hex(connection.remotePublicKey ?? new Uint8Array(0)))
      connection.on('data', (data) => void connection.write(data))
    })
    const { page, errors } = await open('page.mjs')
    const total = 1_000_000
    const task = {
      seed: hex(pageSeed),
      target: hex(desktop.publicKey),
      relay: hex(relay.publicKey),
      ws: `ws://127.0.0.1:${relay.ports.ws}`,
      total
    }
    const result = await page.evaluate((task) => {
      const { visit } = globalThis as unknown as { visit(task: unknown): Promise<object> }
      return visit(task)
    }, task)
    expect(errors).toEqual([])
    expect(result).toEqual({
      received: total,
      kind: 'relay',
      transport: 'ws',
      remote: hex(desktop.publicKey)
    })
    expect(visitors).toEqual([hex(pageKeyPair.publicKey)])
  })
})
