import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import createTestnet from 'hyperdht/testnet.js'
import { RemoteDevice } from './remote-device.mjs'

/**
 * @import { Testnet } from 'hyperdht/testnet.js'
 * @import { DeviceName, Summary } from './facts.ts'
 */

/** @type {readonly DeviceName[]} */
export const NAMES = ['phone', 'laptop', 'cloud']

/** Three processes, the network between them, and the folder they keep their stores in. Owns all of it. */
export class ThreeDevices {
  #folder = ''
  /** @type {Testnet | null} */
  #network = null
  /** @type {Map<DeviceName, RemoteDevice>} */
  #devices = new Map()
  /** @type {AbortSignal | undefined} */
  #signal

  /** @param {AbortSignal} [signal] ends every process; whatever waits for one fails */
  constructor(signal) {
    this.#signal = signal
    signal?.addEventListener('abort', () => void this.#killAll())
  }

  /** Starts the network, on this computer alone, and the devices. */
  async start() {
    this.#folder = await mkdtemp(join(tmpdir(), 'address-book-'))
    this.#network = await createTestnet(3, { host: '127.0.0.1' })
    for (const name of NAMES) this.boot(name)
  }

  /**
   * Starts the process of a device, on the store it has.
   *
   * @param {DeviceName} name
   */
  boot(name) {
    this.#signal?.throwIfAborted()
    const bootstrap = this.#network?.bootstrap ?? []
    const device = new RemoteDevice({ name, folder: join(this.#folder, name), bootstrap })
    this.#devices.set(name, device)
    return device
  }

  /** @param {DeviceName} name */
  get(name) {
    const device = this.#devices.get(name)
    if (device === undefined) throw new Error(`${name} was not started`)
    return device
  }

  async goOffline() {
    await this.#each((device) => device.call('goOffline'))
  }

  /**
   * Lets the devices meet, and waits until each shows what any of them had. One comes after the other, since those who look for each
   * other in the same instant find nobody, and look again minutes later.
   */
  async goOnline() {
    for (const device of this.#devices.values()) await device.call('goOnline')
    await this.settle()
  }

  async settle() {
    const heads = await this.#each((device) => device.call('head'))
    await this.#each((device) => device.call('catchUp', heads))
  }

  /** @returns {Promise<Record<DeviceName, Summary>>} */
  async summaries() {
    const entries = await this.#each(async (device) => [device.name, await device.call('summary')])
    return Object.fromEntries(entries)
  }

  async conflicts() {
    return this.#each((device) => device.call('conflicts'))
  }

  async close() {
    await this.#each((device) => device.close())
  }

  /** Ends what is left, whatever happened. */
  async destroy() {
    await this.#killAll()
    await this.#network?.destroy()
    if (this.#folder) await rm(this.#folder, { recursive: true, force: true, maxRetries: 5 })
  }

  /**
   * @template T
   * @param {(device: RemoteDevice) => Promise<T>} ask
   */
  #each(ask) {
    return Promise.all([...this.#devices.values()].map(ask))
  }

  #killAll() {
    return this.#each((device) => device.kill())
  }
}
