// Runs the built package under Bare: `bare test/bare/smoke.mjs`. Prints one line; exits non-zero on failure.
import crypto from 'hypercore-crypto'
import { RelayClient } from '../../dist/index.js'

/* global Bare */

const [laptop, phone] = [crypto.keyPair(), crypto.keyPair()]
const here = new RelayClient({ keyPair: laptop, listen: { host: '127.0.0.1' } })
const there = new RelayClient({ keyPair: phone })
try {
  await here.ready()
  here.on('connection', (connection) => connection.on('data', (data) => connection.write(data)))
  const connection = there.connect(laptop.publicKey, { addresses: [`127.0.0.1:${here.port}`] })
  let failure = null
  connection.on('error', (error) => (failure = error))
  if (!(await connection.opened)) throw failure ?? new Error('not opened')
  const total = 300_000
  const back = new Promise((resolve, reject) => {
    let at = 0
    connection.on('data', (data) => {
      for (const byte of data) if (byte !== at++ % 251) reject(new Error(`byte ${at - 1} is wrong`))
      if (at === total) resolve(at)
    })
    connection.once('close', () => reject(failure ?? new Error(`closed after ${at}`)))
  })
  connection.write(Uint8Array.from({ length: total }, (_, i) => i % 251))
  await back
  if (connection.path?.kind !== 'tcp') throw new Error('another path than expected')
  console.log('relay on Bare: two devices connected directly by TCP, and 300 kB came back as they were')
} catch (error) {
  console.error(error)
  Bare.exitCode = 1
} finally {
  await there.close()
  await here.close()
}
