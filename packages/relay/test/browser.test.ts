import { build } from 'esbuild'
import crypto from 'hypercore-crypto'
import { until } from '@cloudpal/test-kit'
import curve from 'noise-curve-ed'
import { chromium, type Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ed25519Curve } from '../src/protocol/curve-browser.ts'
import { CHROMIUM } from './chromium.ts'
import { startDevice, startRelay } from './relays.ts'

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

async function bundle(entry: string): Promise<string> {
  const result = await build({
    entryPoints: [entry],
    bundle: true,
    minify: true,
    write: false,
    format: 'iife',
    platform: 'browser',
    target: 'es2022',
    define: { global: 'globalThis' },
    logLevel: 'error'
  })
  return result.outputFiles[0]?.text ?? ''
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
  let browser: Browser
  beforeAll(async () => {
    browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] })
  })
  afterAll(async () => {
    await browser.close()
  })

  test('a page reaches a device through the relay over WebSocket, encrypted from end to end', async () => {
    const [pageSeed, desktop] = [crypto.randomBytes(32), crypto.keyPair()]
    const pageKeyPair = crypto.keyPair(pageSeed)
    const { relay, address } = await startRelay([pageKeyPair, desktop])
    const device = await startDevice(desktop, { relays: [address] })
    await until(() => device.registeredAt.length === 1)
    const visitors: string[] = []
    device.on('connection', (connection: import('../src/index.ts').Connection) => {
      visitors.push(hex(connection.remotePublicKey ?? new Uint8Array(0)))
      connection.on('data', (data) => void connection.write(data))
    })
    const page = await browser.newPage()
    const errors: unknown[] = []
    page.on('pageerror', (error) => errors.push(error))
    await page.setContent('<!doctype html><title>test</title>')
    await page.addScriptTag({ content: await bundle(`${import.meta.dirname}/browser/page.mjs`) })
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
    await page.close()
  })
})
