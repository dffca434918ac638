import b4a from 'b4a'
import crypto from 'hypercore-crypto'
import { mkdir, readFile, writeFile } from '#fs'
import { RelayError } from '../errors.ts'
import type { KeyPair } from '../types.ts'

/**
 * The key pair whose seed a file holds, as 64 hex digits. Where there is no file it is made, for nobody else to read.
 *
 * @throws RELAY_BAD_ARGUMENT for a file that holds something else
 */
export async function keyPairOf(file: string): Promise<KeyPair> {
  const text = await readFile(file, 'utf8').catch((error: Error & { code?: string }) => {
    if (error.code === 'ENOENT') return null
    throw new RelayError('RELAY_BAD_ARGUMENT', `${file} cannot be read`, { cause: error })
  })
  if (text === null) return make(file)
  if (!/^[0-9a-f]{64}\s*$/i.test(text))
    throw new RelayError('RELAY_BAD_ARGUMENT', `${file} does not hold a seed of 64 hex digits`)
  return crypto.keyPair(b4a.from(text.trim(), 'hex'))
}

async function make(file: string): Promise<KeyPair> {
  const seed = crypto.randomBytes(32)
  const folder = file.replace(/[^/\\]*$/, '')
  if (folder !== '') await mkdir(folder, { recursive: true })
  // Two that start at once: one makes it, the other fails and is started again.
  await writeFile(file, `${b4a.toString(seed, 'hex')}\n`, { mode: 0o600, flag: 'wx' })
  return crypto.keyPair(seed)
}
