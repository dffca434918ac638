import b4a from 'b4a'
import crypto from 'hypercore-crypto'
import { link, mkdir, open, readFile, unlink } from '#fs'
import { RelayError } from '../errors.ts'
import type { KeyPair } from '../types.ts'

/**
 * The key pair whose seed a file holds, as 64 hex digits. Where there is no file it is made, for nobody else to read: whole and on the disk, or not at all. Of two that
 * make it at once both have the same.
 *
 * @throws RELAY_BAD_ARGUMENT for a file that holds something else, and where none can be read or made
 */
export async function keyPairOf(file: string): Promise<KeyPair> {
  return (await keyPairIn(file)) ?? make(file)
}

/**
 * The same, of a file that is there: nobody knows a key that was made just now, so that it signs nothing.
 *
 * @throws RELAY_BAD_ARGUMENT
 */
export async function signerOf(file: string): Promise<KeyPair> {
  const keyPair = await keyPairIn(file)
  if (keyPair !== null) return keyPair
  const help = `${file} is not there: cloudpal-relay key --key-file ${file} makes one`
  throw new RelayError('RELAY_BAD_ARGUMENT', help)
}

async function keyPairIn(file: string): Promise<KeyPair | null> {
  const text = await readFile(file, 'utf8').catch((error: Error & { code?: string }) => {
    if (error.code === 'ENOENT') return null
    throw new RelayError('RELAY_BAD_ARGUMENT', `${file} cannot be read`, { cause: error })
  })
  if (text === null) return null
  if (!/^[0-9a-f]{64}\s*$/i.test(text))
    throw new RelayError('RELAY_BAD_ARGUMENT', `${file} does not hold a seed of 64 hex digits`)
  return crypto.keyPair(b4a.from(text.trim(), 'hex'))
}

async function make(file: string): Promise<KeyPair> {
  const seed = crypto.randomBytes(32)
  const folder = file.replace(/[^/\\]*$/, '')
  const beside = `${file}.${b4a.toString(crypto.randomBytes(8), 'hex')}`
  try {
    if (folder !== '') await mkdir(folder, { recursive: true })
    try {
      await write(beside, `${b4a.toString(seed, 'hex')}\n`)
      // Unlike a rename it takes no other's place.
      await link(beside, file)
    } finally {
      await unlink(beside).catch(() => {})
    }
    await flush(folder === '' ? '.' : folder)
    return crypto.keyPair(seed)
  } catch (error) {
    const made = (error as { code?: string }).code === 'EEXIST' ? await keyPairIn(file) : null
    if (made !== null) return made
    throw new RelayError('RELAY_BAD_ARGUMENT', `${file} cannot be made`, { cause: error })
  }
}

async function write(file: string, text: string): Promise<void> {
  const handle = await open(file, 'wx', 0o600)
  try {
    await handle.writeFile(text)
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** Not every system can flush a folder. */
async function flush(folder: string): Promise<void> {
  const handle = await open(folder, 'r').catch(() => null)
  await handle?.sync().catch(() => {})
  await handle?.close()
}
