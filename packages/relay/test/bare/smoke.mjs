// Runs the built package under Bare, with a relay in Node beside it: `bare test/bare/smoke.mjs`. Prints a line for each part; exits non-zero on failure.
import b4a from 'b4a'
import { spawn } from 'bare-subprocess'
import crypto from 'hypercore-crypto'
import { RelayClient } from '../../dist/index.js'

/* global Bare */

const TOTAL = 300_000
const [laptop, phone] = [crypto.keyPair(), crypto.keyPair()]
const hex = (bytes) => b4a.toString(bytes, 'hex')

/** Sends counting bytes to a device that sends all back, and checks them. */
async function echo(connection, kind) {
  let failure = null
  connection.on('error', (error) => (failure = error))
  if (!(await connection.opened)) throw failure ?? new Error('not opened')
  const back = new Promise((resolve, reject) => {
    let at = 0
    connection.on('data', (data) => {
      for (const byte of data) if (byte !== at++ % 251) reject(new Error(`byte ${at - 1} is wrong`))
      if (at === TOTAL) resolve()
    })
    connection.once('close', () => reject(failure ?? new Error(`closed after ${at}`)))
  })
  connection.write(Uint8Array.from({ length: TOTAL }, (_, i) => i % 251))
  await back
  if (connection.path?.kind !== kind) throw new Error(`another path than ${kind}`)
}

async function directly() {
  const here = new RelayClient({ keyPair: laptop, listen: { host: '127.0.0.1' } })
  const there = new RelayClient({ keyPair: phone })
  try {
    await here.ready()
    here.on('connection', (connection) => connection.pipe(connection))
    await echo(there.connect(laptop.publicKey, { addresses: [`127.0.0.1:${here.port}`] }), 'tcp')
  } finally {
    await there.close()
    await here.close()
  }
}

async function throughRelay() {
  const script = new URL('relay.mjs', import.meta.url).pathname
  const keys = [hex(laptop.publicKey), hex(phone.publicKey)]
  const child = spawn('node', [script, ...keys], { stdio: ['pipe', 'pipe', 'inherit'] })
  const ended = new Promise((resolve) => child.once('exit', resolve))
  const said = new Promise((resolve) => child.stdout.once('data', resolve))
  const devices = []
  try {
    const line = await Promise.race([said, ended.then(() => Promise.reject(new Error('no relay')))])
    const { key, port } = JSON.parse(b4a.toString(line))
    const relays = [{ publicKey: b4a.from(key, 'hex'), tcp: { host: '127.0.0.1', port } }]
    const here = new RelayClient({ keyPair: laptop, relays })
    const there = new RelayClient({ keyPair: phone, relays })
    devices.push(there, here)
    here.on('connection', (connection) => connection.pipe(connection))
    const registered = new Promise((resolve, reject) => {
      here.once('registered', resolve)
      here.once('unregistered', (_, error) => reject(error))
    })
    await here.ready()
    await registered
    await echo(there.connect(laptop.publicKey), 'relay')
  } finally {
    for (const device of devices) await device.close()
    child.stdin.end()
    await ended
  }
}

try {
  await directly()
  console.log('relay on Bare: two devices connected directly by TCP, and 300 kB came back as they were')
  await throughRelay()
  console.log('relay on Bare: two devices connected through a relay, and 300 kB came back as they were')
} catch (error) {
  console.error(error)
  Bare.exitCode = 1
}
