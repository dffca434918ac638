// One device in a process of its own, which writes without end and is meant to be killed. Orders come in on stdin; what has happened
// goes to stdout, a line of JSON each, and is there before the next thing is begun.
import { once } from 'node:events'
import { writeSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { createInterface } from 'node:readline'
import Corestore from 'corestore'
import { MultiBee } from '../../dist/index.js'
import { Load } from './load.mjs'

/** @typedef {import('./device-process.ts').DeviceOptions} DeviceOptions */

/** @type {DeviceOptions} */
const options = JSON.parse(process.argv[2] ?? '')
const bytes = (/** @type {string} */ hex) => Buffer.from(hex, 'hex')

/** @param {import('./device-process.ts').Report} report */
function report(report) {
  // Not process.stdout: that may write later.
  writeSync(1, `${JSON.stringify(report)}\n`)
}

class Device {
  /** @type {Set<import('node:net').Socket>} */
  #sockets = new Set()
  /** @type {number[]} */
  #ports = []
  #server = createServer((socket) => this.#attach(socket, false))

  async open() {
    report({ at: 'opening' })
    this.store = new Corestore(options.directory)
    this.db = new MultiBee(this.store, {
      key: bytes(options.key),
      encryptionKey: bytes(options.encryptionKey)
    })
    this.db.on('failure', (error) => report({ at: 'failure', message: error.stack ?? error.message }))
    this.db.on('epoch', ({ reason }) => report({ at: 'epoch', reason }))
    await this.db.ready()
    if (!this.#server.listening) await once(this.#server.listen(0, '127.0.0.1'), 'listening')
    for (const port of this.#ports) this.#dial(port)
    report({ at: 'open', version: this.db.version, port: this.#server.address().port })
  }

  async close() {
    report({ at: 'closing' })
    for (const socket of this.#sockets) socket.destroy()
    await this.db.close()
    await this.store.close()
    report({ at: 'closed' })
  }

  /** @param {number} port of another device, which may be gone by now */
  connect(port) {
    if (this.#ports.includes(port)) return
    this.#ports.push(port)
    if (this.db.opened) this.#dial(port)
  }

  #dial(port) {
    this.#attach(connect(port, '127.0.0.1'), true)
  }

  #attach(socket, isInitiator) {
    this.#sockets.add(socket)
    socket.on('error', () => {})
    socket.on('close', () => this.#sockets.delete(socket))
    if (this.db.closing !== null) return socket.destroy()
    const stream = this.db.replicate(isInitiator)
    stream.on('error', () => {})
    socket.pipe(stream).pipe(socket)
    return socket
  }
}

const device = new Device()
await device.open()
const load = new Load(device, options, report)
createInterface({ input: process.stdin })
  .on('line', (line) => {
    const order = JSON.parse(line)
    if (order.connect !== undefined) device.connect(order.connect)
    else load.order(order)
  })
  // Nobody is left to give orders.
  .on('close', () => process.exit(1))
await load.run()
await device.close()
// Connections that just come in would keep it alive.
process.exit(0)
