import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { tmpDir } from '@cloudpal/test-kit'
import { describe, expect, test } from 'vitest'
import { createTimestampRequest, Timestamps } from '../src/timestamp/index.ts'
import { shortestPath } from '../src/timestamp/shortest-path.ts'
import { bytesOf } from './people.ts'
import { codeOfAsync } from './parties.ts'
import { hasOpenssl, timeService } from './time-service.ts'

const event = bytesOf(9)
const UNTRUSTED = 'KEY_ROTATION_TIMESTAMP_UNTRUSTED'

const CONFIGURATION = `[req]
distinguished_name = name
[name]
[ca]
basicConstraints = critical,CA:true
keyUsage = critical,keyCertSign,cRLSign
[leaf]
basicConstraints = critical,CA:false
extendedKeyUsage = critical,timeStamping
`

/** Certificates by whomever, of whomever; names are files, and keys are by the part before a point. */
class Certifiers {
  readonly #dir: string
  readonly #keys = new Set<string>()

  constructor(dir: string) {
    this.#dir = dir
    writeFileSync(this.#at('config'), CONFIGURATION)
  }

  root(name: string): void {
    const made = ['req', '-x509', '-new', '-config', this.#at('config'), '-key', this.#key(name)]
    this.#openssl(
      ...made,
      '-subj',
      `/CN=${name}`,
      '-extensions',
      'ca',
      '-days',
      '30',
      '-out',
      this.#pem(name)
    )
  }

  /** @param by - a certificate, whose key signs */
  certify(name: string, by: string, as: 'ca' | 'leaf', digest = '-sha256'): void {
    const asks = ['req', '-new', '-config', this.#at('config'), '-key', this.#key(name)]
    this.#openssl(...asks, '-subj', `/CN=${name.split('.')[0]}`, '-out', this.#at('csr'))
    const signs = ['x509', '-req', '-in', this.#at('csr'), '-CA', this.#pem(by), '-CAkey', this.#key(by)]
    const how = ['-extfile', this.#at('config'), '-extensions', as, '-days', '30', '-CAcreateserial', digest]
    this.#openssl(...signs, ...how, '-out', this.#pem(name))
  }

  /** What an answer of a service says, signed by somebody else, who brings certificates. */
  async stamp(signer: string, brought: readonly string[], ...options: string[]): Promise<Uint8Array> {
    const service = await timeService()
    writeFileSync(this.#at('answer'), await service.reply(createTimestampRequest(event).request))
    writeFileSync(this.#at('brought'), Buffer.concat(brought.map((name) => readFileSync(this.#pem(name)))))
    this.#openssl('ts', '-reply', '-in', this.#at('answer'), '-token_out', '-out', this.#at('token'))
    const info = ['-noverify', '-inform', 'DER', '-in', this.#at('token'), '-out', this.#at('info')]
    this.#openssl('cms', '-verify', ...info)
    const by = ['-signer', this.#pem(signer), '-inkey', this.#key(signer)]
    const others = brought.length === 0 ? [] : ['-certfile', this.#at('brought')]
    const as = [
      '-econtent_type',
      '1.2.840.113549.1.9.16.1.4',
      '-binary',
      '-nodetach',
      '-nosmimecap',
      '-cades'
    ]
    const files = ['-in', this.#at('info'), '-outform', 'DER', '-out', this.#at('signed')]
    this.#openssl('cms', '-sign', ...by, ...others, ...as, ...options, ...files)
    // SEQUENCE { SEQUENCE { INTEGER 0 }, token }, RFC 3161 2.4.2
    const content = Buffer.concat([Buffer.from('3003020100', 'hex'), readFileSync(this.#at('signed'))])
    return Buffer.concat([Buffer.from([0x30, 0x82, content.length >> 8, content.length & 0xff]), content])
  }

  der(name: string): Uint8Array {
    this.#openssl('x509', '-in', this.#pem(name), '-outform', 'DER', '-out', this.#at('der'))
    return readFileSync(this.#at('der'))
  }

  #at(file: string): string {
    return join(this.#dir, file)
  }

  #pem(name: string): string {
    return this.#at(`${name}.pem`)
  }

  #key(name: string): string {
    const file = this.#at(`${name.split('.')[0]}.key`)
    if (!this.#keys.has(file))
      this.#openssl('genpkey', '-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256', '-out', file)
    this.#keys.add(file)
    return file
  }

  #openssl(...words: string[]): void {
    execFileSync('openssl', words, { stdio: ['ignore', 'ignore', 'pipe'] })
  }
}

/** What becomes of a stamp, by who believes only the root. */
async function fate(
  certifiers: Certifiers,
  ...stamp: Parameters<Certifiers['stamp']>
): Promise<string | null> {
  const answer = await certifiers.stamp(...stamp)
  return codeOfAsync(new Timestamps([certifiers.der('root')]).add(event, answer))
}

describe.skipIf(!hasOpenssl)(
  'of the certificates that a time stamp brings (skipped without OpenSSL 3)',
  () => {
    test('the way to the authority counts, through others, and also where a side way goes in circles', async () => {
      const certifiers = new Certifiers(await tmpDir())
      certifiers.root('root')
      certifiers.certify('middle', 'root', 'ca')
      certifiers.certify('leaf', 'middle', 'leaf')
      expect(await fate(certifiers, 'leaf', ['middle'])).toBe(null)
      expect(await fate(certifiers, 'leaf', [])).toBe(UNTRUSTED)
      // Of the same key and name, by one that it has certified itself.
      certifiers.certify('side', 'middle', 'ca')
      certifiers.certify('middle.again', 'side', 'ca')
      expect(await fate(certifiers, 'leaf', ['middle.again', 'side', 'middle'])).toBe(null)
    })

    test('those that certify each other in a circle prove nothing, and that is found out', async () => {
      const certifiers = new Certifiers(await tmpDir())
      certifiers.root('root')
      certifiers.root('b.first')
      certifiers.certify('a', 'b.first', 'ca')
      certifiers.certify('b', 'a', 'ca')
      certifiers.certify('leaf', 'a', 'leaf')
      expect(await fate(certifiers, 'leaf', ['a', 'b'])).toBe(UNTRUSTED)
    })

    test('more than any service sends are not looked at', async () => {
      const certifiers = new Certifiers(await tmpDir())
      certifiers.root('root')
      certifiers.certify('leaf', 'root', 'leaf')
      const others = Array.from({ length: 8 }, (_, i) => `other ${i}`)
      for (const other of others) certifiers.certify(other, 'root', 'ca')
      expect(await fate(certifiers, 'leaf', others.slice(1))).toBe(null)
      expect(await fate(certifiers, 'leaf', others)).toBe(UNTRUSTED)
    })

    test('nothing below the authority is signed by way of SHA-1', async () => {
      const certifiers = new Certifiers(await tmpDir())
      certifiers.root('root')
      certifiers.certify('leaf', 'root', 'leaf')
      expect(await fate(certifiers, 'leaf', [])).toBe(null)
      expect(await fate(certifiers, 'leaf', [], '-md', 'sha1')).toBe(UNTRUSTED)
      certifiers.certify('old', 'root', 'leaf', '-sha1')
      expect(await fate(certifiers, 'old', [])).toBe(UNTRUSTED)
      certifiers.certify('middle', 'root', 'ca', '-sha1')
      certifiers.certify('below', 'middle', 'leaf')
      expect(await fate(certifiers, 'below', ['middle'])).toBe(UNTRUSTED)
    })
  }
)

test('of ways that double at each step each node is asked once', async () => {
  let asked = 0
  const levels = 40
  const nextOf = async (node: number): Promise<number[]> => {
    asked++
    const level = Math.floor(node / 2)
    // Two nodes a level, each of which leads to both of the next, and back to the first.
    return level === levels ? [] : [0, 2 * (level + 1), 2 * (level + 1) + 1]
  }
  expect(await shortestPath(0, nextOf, (node) => node === 2 * levels + 1)).toHaveLength(levels)
  expect(asked).toBeLessThanOrEqual(2 * levels + 2)
  expect(await shortestPath(0, nextOf, () => false)).toBe(null)
})
