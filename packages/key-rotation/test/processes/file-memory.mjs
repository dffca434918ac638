// A memory in a file, as an app would have it that keeps no cores: written beside it and renamed, or added to.
import { open, readFile, rename } from 'node:fs/promises'
import { dirname } from 'node:path'

/**
 * @param {string} path
 * @param {number} [most] bytes that are added; with the next one the process is killed
 * @returns {import('../../src/index.ts').MemoryStore}
 */
export function fileMemory(path, most = Infinity) {
  let left = most
  return {
    read: () => readFile(path).catch(() => null),
    async write(bytes) {
      await put(`${path}.new`, 'w', bytes)
      await rename(`${path}.new`, path)
      const folder = await open(dirname(path))
      await folder.sync()
      await folder.close()
    },
    async append(bytes) {
      await put(path, 'a', bytes.subarray(0, left))
      if (left < bytes.length) process.kill(process.pid, 'SIGKILL')
      left -= bytes.length
    }
  }
}

/** @param {string} path @param {string} flags @param {Uint8Array} bytes */
async function put(path, flags, bytes) {
  const file = await open(path, flags)
  try {
    await file.write(bytes)
    await file.sync()
  } finally {
    await file.close()
  }
}
