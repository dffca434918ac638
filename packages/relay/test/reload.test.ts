import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { connect } from 'node:tls'
import { testCleanup, tmpDir, until } from '@cloudpal/test-kit'
import crypto from 'hypercore-crypto'
import { expect, test } from 'vitest'
import { ReplicaSet } from '../src/index.ts'
import { type Certificate, certificate, whyNoCertificates } from './certificates.ts'
import { greet, type TestLink } from './links.ts'
import { type Program, startProgram } from './program.ts'

const [a, b] = [crypto.keyPair(), crypto.keyPair()]
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

/** A program that serves two devices by what stands in a file; one of them is registered. */
async function served(words: string[] = []): Promise<{
  program: Program
  parked: TestLink
  reload(settings: object): Promise<Record<string, unknown>>
}> {
  const dir = await tmpDir()
  const config = join(dir, 'relay.json')
  const base = { tcpPort: 0, host: '127.0.0.1', allow: [a, b].map(({ publicKey }) => hex(publicKey)) }
  await writeFile(config, JSON.stringify(base))
  const program = startProgram(['--key-file', join(dir, 'relay.key'), '--config', config, '--json', ...words])
  const parked = greet(await program.listening(), a, (link) => link.register(30_000))
  await until(() => parked.seen.includes('registered'))
  const reload = async (settings: object): Promise<Record<string, unknown>> => {
    await writeFile(config, JSON.stringify({ ...base, ...settings }))
    return reloaded(program)
  }
  return { program, parked, reload }
}

/** @returns what is said of it */
async function reloaded(program: Program): Promise<Record<string, unknown>> {
  const said = (): Record<string, unknown>[] =>
    program.events().filter(({ event }) => ['reloaded', 'not reloaded'].includes(String(event)))
  const before = said().length
  program.reload()
  await until(() => said().length > before)
  return said().at(-1) ?? {}
}

test('a file that is read again revokes what lives', async () => {
  const { parked, reload } = await served()
  const said = await reload({ revoke: [hex(a.publicKey)] })
  await until(() => parked.ended)
  expect(parked.ended).toBe('RELAY_REVOKED')
  expect(said).toMatchObject({ event: 'reloaded', revoked: 1, ended: 1 })
})

test.each<[string, object]>([
  ['a key with a wrong digit', { allow: ['abc'] }],
  ['a name that is none', { alow: [hex(b.publicKey)] }],
  ['a port that is none', { tcpPort: 70_000 }],
  ['a certificate that is half there', { wsPort: 0, tlsCert: '/nowhere' }],
  ['nobody to serve', { allow: [] }],
  ['somebody else who is misspelt', { revoke: ['abc', hex(a.publicKey)] }]
])('a file with %s still revokes whom it names', async (_, mistake) => {
  const { parked, reload } = await served()
  const said = await reload({ revoke: [hex(a.publicKey)], ...mistake })
  expect(said).toMatchObject({ event: 'not reloaded', revoked: 1, ended: 1 })
  await until(() => parked.ended)
  expect(parked.ended).toBe('RELAY_REVOKED')
})

test('what a file revokes is revoked, also where the command line revokes somebody else', async () => {
  const { parked, reload } = await served(['--revoke', hex(b.publicKey)])
  const said = await reload({ revoke: [hex(a.publicKey)] })
  expect(said).toMatchObject({ event: 'reloaded', revoked: 2, ended: 1 })
  await until(() => parked.ended)
})

test.skipIf(whyNoCertificates !== null)(
  'a file whose replicas are wrong changes nothing: the certificate stays, too',
  async () => {
    const dir = await tmpDir()
    const file = (name: string): string => join(dir, name)
    const shows = async ({ cert, key }: Certificate): Promise<void> => {
      await writeFile(file('cert'), cert)
      await writeFile(file('key'), key)
    }
    const [first, second] = [await certificate(), await certificate()]
    await shows(first)
    const [owner, seed] = [crypto.keyPair(), crypto.randomBytes(32)]
    await writeFile(file('relay.key'), `${hex(seed)}\n`)
    const replica = { key: crypto.keyPair(seed).publicKey, addresses: [] }
    await writeFile(file('set'), hex(ReplicaSet.sign([replica], 1, owner).bytes))
    const here = ['--key-file', file('relay.key'), '--ws-port', '0', '--host', '127.0.0.1', '--json']
    const set = ['--owner', hex(owner.publicKey), '--replica-set', file('set')]
    const tls = ['--tls-cert', file('cert'), '--tls-key', file('key')]
    const program = startProgram([...here, ...set, ...tls, '--allow', hex(a.publicKey)])
    const { wsPort } = await program.listening()
    const shown = async (): Promise<string> => {
      const socket = connect({ port: wsPort, host: '127.0.0.1', rejectUnauthorized: false })
      testCleanup().defer('stream', () => socket.destroy())
      await once(socket, 'secureConnect')
      return socket.getPeerX509Certificate()?.toString() ?? ''
    }
    await shows(second)
    for (const set of [
      ReplicaSet.sign([replica], 2, crypto.keyPair()),
      ReplicaSet.sign([{ ...replica, key: b.publicKey }], 2, owner)
    ]) {
      await writeFile(file('set'), hex(set.bytes))
      expect(await reloaded(program)).toMatchObject({ event: 'not reloaded' })
      expect(await shown()).toBe(first.cert)
    }
    await writeFile(file('set'), hex(ReplicaSet.sign([replica], 2, owner).bytes))
    expect(await reloaded(program)).toMatchObject({ event: 'reloaded', renewed: true })
    expect(await shown()).toBe(second.cert)
  }
)
