// A certificate of this machine, which is its own root.
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** @typedef {{ cert: string, key: string, file: string }} Certificate */

/**
 * Makes one, for 127.0.0.1.
 *
 * @param {string} dir where its files are
 * @returns {Certificate | null} null where openssl is not installed
 */
export function certificateIn(dir) {
  const [file, keyFile] = [join(dir, 'cert.pem'), join(dir, 'key.pem')]
  const names = ['-subj', '/CN=relay.test', '-addext', 'subjectAltName=IP:127.0.0.1']
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
  const args = ['req', '-x509', '-days', '2', ...curve, ...names, '-keyout', keyFile, '-out', file]
  try {
    execFileSync('openssl', args, { stdio: 'ignore' })
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code === 'ENOENT') return null
    throw error
  }
  return { cert: readFileSync(file, 'utf8'), key: readFileSync(keyFile, 'utf8'), file }
}
