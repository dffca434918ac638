import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { trackChild } from '../../harness/scratch.mjs'
import { inTime } from './in-time.mjs'

/** A process beside the measured one, which ends with it. */
export class Beside {
  #name

  /**
   * @param {string} script
   * @param {string[]} args
   */
  constructor(script, args) {
    this.#name = [script, ...args.slice(0, 1)].join(' ')
    this.child = fork(fileURLToPath(new URL(script, import.meta.url)), args, {
      stdio: ['ignore', 2, 2, 'ipc']
    })
    trackChild(this.child)
  }

  /** @returns {Promise<any>} the next message */
  next() {
    const { child } = this
    const message = new Promise((resolve, reject) => {
      const onmessage = (/** @type {any} */ message) => {
        child.off('exit', onexit)
        resolve(message)
      }
      const onexit = (/** @type {number | null} */ code) => {
        child.off('message', onmessage)
        reject(new Error(`${this.#name} ended with ${code}`))
      }
      child.once('message', onmessage).once('exit', onexit)
    })
    return inTime(message, `${this.#name} says nothing`)
  }

  /** @param {string} word */
  tell(word) {
    this.child.send(word)
  }

  /** @param {string} word */
  ask(word) {
    this.tell(word)
    return this.next()
  }
}
