import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { trackChild } from '../../harness/scratch.mjs'

/** A process beside the measured one, which ends with it. */
export class Beside {
  /**
   * @param {string} script
   * @param {string[]} args
   */
  constructor(script, args) {
    this.child = fork(fileURLToPath(new URL(script, import.meta.url)), args, {
      stdio: ['ignore', 2, 2, 'ipc']
    })
    trackChild(this.child)
  }

  /** @returns {Promise<any>} the next message */
  next() {
    return new Promise((resolve, reject) => {
      this.child.once('message', resolve)
      this.child.once('exit', (code) => reject(new Error(`a process beside ended with ${code}`)))
    })
  }

  /** @param {string} word */
  tell(word) {
    this.child.send(word)
  }
}
