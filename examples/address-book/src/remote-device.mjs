import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'

/**
 * @import { ChildProcess } from 'node:child_process'
 * @import { Commands } from './device.mjs'
 *
 * @typedef {{ id: number, command: keyof Commands, args: unknown[] }} Request
 * @typedef {{ id: number, result?: unknown, error?: string } | { event: string, data: unknown }} Message
 * @typedef {{ resolve: (result: never) => void, reject: (error: Error) => void }} Pending
 *
 * @typedef {object} RemoteDeviceOptions
 * @property {string} name
 * @property {string} folder of its store
 * @property {readonly object[]} bootstrap of the DHT
 */

/** It ends what hangs: importing a large file takes its time. */
const TIMEOUT_MS = 240_000
const PROGRAM = fileURLToPath(new URL('device.mjs', import.meta.url))

/** A device's process, as the one that started it sees it. */
export class RemoteDevice {
  /** @type {ChildProcess} */
  #process
  /** @type {Map<number, Pending>} */
  #pending = new Map()
  /** @type {(event: string, data: unknown) => void} */
  #onEvent = () => {}
  #requests = 0
  /** @type {Promise<unknown>} */
  #gone

  /** @param {RemoteDeviceOptions} options */
  constructor({ name, folder, bootstrap }) {
    this.name = name
    this.#process = fork(PROGRAM, [name, folder, JSON.stringify(bootstrap)], { execArgv: [] })
    this.#process.on('message', (/** @type {Message} */ message) => this.#receive(message))
    this.#process.on('error', () => {})
    // Messages it had sent may still come after its exit, until the channel is closed.
    this.#gone = Promise.all(['exit', 'disconnect'].map((event) => this.#emitted(event)))
    void this.#gone.then(() => this.#rejectAll(new Error(`${name} has ended`)))
  }

  /**
   * Asks the device to do something.
   *
   * @template {keyof Commands} C
   * @param {C} command
   * @param {Parameters<Commands[C]>} args
   * @returns {Promise<Awaited<ReturnType<Commands[C]>>>}
   */
  async call(command, ...args) {
    const id = this.#requests++
    const late = new Error(`${this.name} has not answered to \`${command}\` within ${TIMEOUT_MS / 1000} s`)
    const timer = setTimeout(() => this.#pending.get(id)?.reject(late), TIMEOUT_MS)
    try {
      /** @type {Promise<Awaited<ReturnType<Commands[C]>>>} */
      const answer = new Promise((resolve, reject) => {
        this.#pending.set(id, { resolve, reject })
        this.#process.send({ id, command, args }, (error) => {
          if (error) reject(new Error(`${this.name} has ended`, { cause: error }))
        })
      })
      return await answer
    } finally {
      clearTimeout(timer)
      this.#pending.delete(id)
    }
  }

  /** @param {(event: string, data: unknown) => void} listener for what it tells unasked; one at a time */
  onEvent(listener) {
    this.#onEvent = listener
  }

  /** Ends the process at once, whatever it is doing. Resolves when it is gone, and its locks with it. */
  async kill() {
    this.#process.kill('SIGKILL')
    await this.#gone
  }

  /** Lets the device close its database and end. */
  async close() {
    await this.call('close')
    this.#process.disconnect()
    await this.#gone
  }

  /** @param {Message} message */
  #receive(message) {
    if ('event' in message) return this.#onEvent(message.event, message.data)
    const pending = this.#pending.get(message.id)
    if (message.error === undefined) pending?.resolve(/** @type {never} */ (message.result))
    else pending?.reject(new Error(`${this.name}: ${message.error}`))
  }

  /** @param {Error} error */
  #rejectAll(error) {
    for (const { reject } of this.#pending.values()) reject(error)
  }

  /** @param {string} event */
  #emitted(event) {
    return new Promise((resolve) => this.#process.once(event, resolve))
  }
}
