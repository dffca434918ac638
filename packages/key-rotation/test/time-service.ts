import { execFile, spawnSync } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { type Cleanup, testCleanup, tmpDir } from '@cloudpal/test-kit'

const run = promisify(execFile)

/** LibreSSL, which macOS calls by this name, and older ones lack what is used here. */
export const hasOpenssl: boolean = /^OpenSSL ([3-9]|\d\d)/.test(
  String(spawnSync('openssl', ['version']).stdout)
)

const POLICY = '1.2.3.4.1'

/** Whose certificate stamps: as it should be, one that is for other things too, one that is for web servers, one that is over. */
type Signer = 'good' | 'wide' | 'web' | 'over'

const EXTENSIONS: Readonly<Record<Signer, string>> = {
  good: 'critical,timeStamping',
  wide: 'critical,timeStamping,codeSigning',
  web: 'critical,serverAuth',
  over: 'critical,timeStamping'
}

const configuration = (dir: string): string => `
[req]
distinguished_name = name
prompt = no
[name]
CN = nobody
[ca]
basicConstraints = critical,CA:true
keyUsage = critical,keyCertSign,cRLSign
subjectKeyIdentifier = hash
${Object.entries(EXTENSIONS)
  .map(([name, usage]) => `[${name}]\nbasicConstraints = critical,CA:false\nextendedKeyUsage = ${usage}\n`)
  .join('')}
[tsa]
default_tsa = stamps
[stamps]
dir = ${dir}
serial = ${dir}/serial
crypto_device = builtin
signer_digest = sha256
default_policy = ${POLICY}
digests = sha256, sha512
accuracy = secs:1, millisecs:500
ordering = no
ess_cert_id_chain = no
ess_cert_id_alg = sha256
`

/** A time-stamping service of RFC 3161, which OpenSSL is. */
export interface TimeService {
  /** DER. */
  readonly authority: Uint8Array
  /** Answers a request, `openssl ts -reply`. */
  reply(request: Uint8Array, signer?: Signer, ...options: string[]): Promise<Uint8Array>
  /** An answer of the same content that whoever has this signer's key can make, with or without the name of its certificate in it. */
  forge(answer: Uint8Array, signer: Signer, ...options: string[]): Promise<Uint8Array>
  /** Answers by HTTP. @returns its URL */
  listen(answer?: (request: Uint8Array) => Promise<Uint8Array>): Promise<string>
}

/** An authority, and who it has certified. A second one has other keys. */
export async function timeService(cleanup: Cleanup = testCleanup()): Promise<TimeService> {
  const dir = await tmpDir({ cleanup })
  const at = (file: string): string => join(dir, file)
  const openssl = async (...words: string[]): Promise<void> => void (await run('openssl', words))
  await writeFile(at('config'), configuration(dir))
  await writeFile(at('serial'), '01\n')
  const key = async (of: string): Promise<void> =>
    openssl('genpkey', '-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256', '-out', at(`${of}.key`))
  const config = ['-config', at('config')]
  await key('ca')
  const made = ['req', '-x509', '-new', ...config, '-key', at('ca.key'), '-subj', '/CN=authority', '-sha256']
  await openssl(...made, '-extensions', 'ca', '-days', '3650', '-out', at('ca.pem'))
  await openssl('x509', '-in', at('ca.pem'), '-outform', 'DER', '-out', at('ca.der'))
  for (const signer of Object.keys(EXTENSIONS)) {
    await key(signer)
    const asks = ['req', '-new', ...config, '-key', at(`${signer}.key`), '-subj', `/CN=${signer}`]
    await openssl(...asks, '-out', at(`${signer}.csr`))
    // OpenSSL of today can only set the end: one that lies before the beginning is as over as any.
    const days = signer === 'over' ? '-1' : '30'
    const signs = ['x509', '-req', '-in', at(`${signer}.csr`), '-CA', at('ca.pem'), '-CAkey', at('ca.key')]
    const as = ['-extfile', at('config'), '-extensions', signer, '-days', days]
    await openssl(...signs, '-CAcreateserial', '-sha256', ...as, '-out', at(`${signer}.pem`))
  }
  let count = 0
  const reply: TimeService['reply'] = async (request, signer = 'good', ...options) => {
    const [asked, answered] = [at(`${++count}.tsq`), at(`${count}.tsr`)]
    await writeFile(asked, request)
    const by = ['-signer', at(`${signer}.pem`), '-inkey', at(`${signer}.key`)]
    const words = [
      'ts',
      '-reply',
      '-config',
      at('config'),
      '-section',
      'stamps',
      ...by,
      '-chain',
      at('ca.pem')
    ]
    await openssl(...words, '-queryfile', asked, '-out', answered, ...options)
    return readFile(answered)
  }
  const forge: TimeService['forge'] = async (answer, signer, ...options) => {
    const [answered, token, info, forged] = ['tsr', 'token', 'info', 'forged'].map((part) =>
      at(`forged.${part}`)
    )
    if (!answered || !token || !info || !forged) throw new Error('four files are needed')
    await writeFile(answered, answer)
    await openssl('ts', '-reply', '-in', answered, '-token_out', '-out', token)
    await openssl('cms', '-verify', '-noverify', '-inform', 'DER', '-in', token, '-out', info)
    const by = ['-signer', at(`${signer}.pem`), '-inkey', at(`${signer}.key`), '-certfile', at('ca.pem')]
    const as = ['-econtent_type', '1.2.840.113549.1.9.16.1.4', '-binary', '-nodetach', '-nosmimecap']
    await openssl('cms', '-sign', ...by, ...as, ...options, '-in', info, '-outform', 'DER', '-out', forged)
    // SEQUENCE { SEQUENCE { INTEGER 0 }, token }, RFC 3161 2.4.2
    const content = Buffer.concat([Buffer.from('3003020100', 'hex'), await readFile(forged)])
    const length = Buffer.from([0x30, 0x82, content.length >> 8, content.length & 0xff])
    return Buffer.concat([length, content])
  }
  const authority = await readFile(at('ca.der'))
  return { authority, reply, forge, listen: (answer = (request) => reply(request)) => listen(answer) }
}

async function listen(answer: (request: Uint8Array) => Promise<Uint8Array>): Promise<string> {
  const server = createServer((request, response) => {
    const parts: Buffer[] = []
    request.on('data', (part: Buffer) => void parts.push(part))
    request.on('end', () => {
      answer(Buffer.concat(parts)).then(
        (bytes) => response.setHeader('content-type', 'application/timestamp-reply').end(bytes),
        () => response.writeHead(500).end()
      )
    })
  })
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready))
  testCleanup().defer('stream', () => new Promise((closed) => server.close(closed)))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}
