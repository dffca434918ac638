// Bundled and run in a browser by browser.test.ts.
import b4a from 'b4a'
import { RelayClient } from '../../src/index.ts'

/** @typedef {{ seed: string, target: string, relay: string, ws: string, total: number }} Task */

/**
 * Reaches a device and sends it counting bytes, which come back.
 *
 * @param {Task} task
 */
async function visit({ seed, target, relay, ws, total }) {
  const { default: crypto } = await import('hypercore-crypto')
  const keyPair = crypto.keyPair(b4a.from(seed, 'hex'))
  const client = new RelayClient({ keyPair, relays: [{ publicKey: b4a.from(relay, 'hex'), ws }] })
  await client.ready()
  const connection = client.connect(b4a.from(target, 'hex'))
  /** @type {Error | null} */
  let failure = null
  connection.on('error', (error) => {
    failure = error
  })
  if (!(await connection.opened)) throw failure ?? new Error('not opened')
  const back = new Promise((resolve, reject) => {
    let at = 0
    connection.on('data', (data) => {
      for (const byte of data) if (byte !== at++ % 251) reject(new Error(`byte ${at - 1} is wrong`))
      if (at === total) resolve(at)
    })
    connection.once('close', () => reject(failure ?? new Error(`closed after ${at}`)))
  })
  for (let at = 0; at < total;) {
    const start = at
    const chunk = Uint8Array.from({ length: Math.min(50_000, total - at) }, (_, i) => (start + i) % 251)
    at += chunk.length
    if (!connection.write(chunk))
      await new Promise((resolve) => connection.once('drain', () => resolve(null)))
  }
  const received = await back
  const { path } = connection
  const remote = b4a.toString(/** @type {Uint8Array} */ (connection.remotePublicKey), 'hex')
  await client.close()
  return { received, kind: path?.kind, transport: path?.transport, remote }
}

Object.assign(globalThis, { visit })
