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

test('of a file with a mistake nothing counts but whom it revokes', async () => {
  const [a, b] = twoKeyPairs()
  const c = crypto.keyPair()
  const dir = await tmpDir()
  const config = join(dir, 'relay.json')
  const base = { keyFile: join(dir, 'relay.key'), tcpPort: 0, host: HOST, json: true }
  const put = (more: object): Promise<void> => writeFile(config, JSON.stringify({ ...base, ...more }))
  await put({ allow: [hex(a.publicKey), hex(c.publicKey)] })
  const relay = startProgram(['--config', config])
  const address = await relay.listening()
  const [first, revoked] = [a, c].map((keyPair) => greet(address, keyPair, (link) => link.register(30_000)))
  await until(() => [first, revoked].every((link) => link?.seen.includes('registered')))
  // One device more, two less, and half of what replicas need.
  await put({ allow: [hex(b.publicKey)], revoke: [hex(c.publicKey)], owner: hex(a.publicKey) })
  relay.reload()
  await until(() => relay.events().some(({ event }) => event === 'not reloaded'))
  const early = greet(address, b, (link) => link.register(30_000))
  await until(() => early.ended ?? early.seen.includes('registered'))
  expect([early.ended, first?.ended, revoked?.ended]).toEqual(['RELAY_DENIED', null, 'RELAY_REVOKED'])
  await put({ allow: [hex(b.publicKey)] })
  relay.reload()
  await until(() => relay.events().some(({ event }) => event === 'reloaded'))
  const late = greet(address, b, (link) => link.register(30_000))
  await until(() => late.ended ?? late.seen.includes('registered'))
  expect([late.ended, first?.ended]).toEqual([null, 'RELAY_DENIED'])
})

test('a file in which nobody is served any more is refused when it is read again, as at the start', async () => {
  const [a] = twoKeyPairs()
  const dir = await tmpDir()
  const config = join(dir, 'relay.json')
  const base = { keyFile: join(dir, 'relay.key'), tcpPort: 0, host: '127.0.0.1', json: true }
  await writeFile(config, JSON.stringify({ ...base, allow: hex(a.publicKey) }))
  const relay = startProgram(['--config', config])
  const parked = greet(await relay.listening(), a, (link) => link.register(30_000))
  await until(() => parked.seen.includes('registered'))
  await writeFile(config, JSON.stringify(base))
  relay.reload()
  const said = (): unknown => relay.events().find(({ event }) => String(event).includes('reloaded'))
  await until(said)
  expect(said()).toMatchObject({ event: 'not reloaded' })
  expect(parked.ended).toBe(null)
})
