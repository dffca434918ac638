import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { tmpDir, until } from '@cloudpal/test-kit'
import crypto from 'hypercore-crypto'
import { expect, test } from 'vitest'
import { createGrant } from '../src/index.ts'
import { greet } from './links.ts'
import { startProgram } from './program.ts'
import { twoKeyPairs } from './relays.ts'

const HOST = '127.0.0.1'
const hex = (key: Uint8Array): string => Buffer.from(key).toString('hex')

test('an issuer that is added to the file counts from when that is read again', async () => {
  const [owner, a] = twoKeyPairs()
  const dir = await tmpDir()
  const config = join(dir, 'relay.json')
  const write = (issuer: string[]): Promise<void> =>
    writeFile(
      config,
      JSON.stringify({
        keyFile: join(dir, 'relay.key'),
        tcpPort: 0,
        host: HOST,
        json: true,
        allow: [hex(crypto.keyPair().publicKey)],
        issuer
      })
    )
  await write([])
  const relay = startProgram(['--config', config])
  const address = await relay.listening()
  await write([hex(owner.publicKey)])
  relay.reload()
  await until(() => relay.events().some(({ event }) => event === 'reloaded'))
  const grant = createGrant(owner, { device: a.publicKey, expiresAt: Date.now() + 60_000 })
  const link = greet(address, a, (one) => one.register(30_000), grant)
  await until(() => link.ended ?? link.seen.includes('registered'))
  expect(link.ended).toBe(null)
})

test('who was taken off the list, and whose issuer was, is served no longer once the file is read again', async () => {
  const [owner, a] = twoKeyPairs()
  const b = crypto.keyPair()
  const dir = await tmpDir()
  const config = join(dir, 'relay.json')
  const base = { keyFile: join(dir, 'relay.key'), tcpPort: 0, host: HOST, json: true }
  const write = (allow: string[], issuer: string[]): Promise<void> =>
    writeFile(config, JSON.stringify({ ...base, allow, issuer }))
  await write([hex(b.publicKey)], [hex(owner.publicKey)])
  const relay = startProgram(['--config', config])
  const address = await relay.listening()
  const grant = createGrant(owner, { device: a.publicKey, expiresAt: Date.now() + 60_000 })
  const granted = greet(address, a, (one) => one.register(30_000), grant)
  const allowed = greet(address, b, (one) => one.register(30_000))
  await until(() => [granted, allowed].every(({ seen }) => seen.includes('registered')))
  await write([hex(crypto.keyPair().publicKey)], [])
  relay.reload()
  await until(() => granted.ended !== null && allowed.ended !== null)
  expect([granted.ended, allowed.ended]).toEqual(['RELAY_BAD_GRANT', 'RELAY_DENIED'])
})
