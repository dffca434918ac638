import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'

/**
 * Bytes of all files below a directory.
 *
 * @param {string} dir
 * @param {(path: string) => boolean} [counts] by path below the directory
 */
export function diskSize(dir, counts = () => true) {
  let bytes = 0
  for (const path of readdirSync(dir, { recursive: true, encoding: 'utf8' })) {
    if (!counts(path)) continue
    const stat = statSync(join(dir, path))
    if (stat.isFile()) bytes += stat.size
  }
  return bytes
}
