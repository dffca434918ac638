import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

/** A script in a network namespace: it says one JSON object a line, and ends with its stdin. */
export class Process {
  /** @type {any[]} */
  #said = []
  /** @type {(() => void)[]} */
  #waiting = []

  /**
   * @param {string} namespace
   * @param {string} script beside this file
   * @param {object} config
   */
  constructor(namespace, script, config) {
    const path = fileURLToPath(new URL(script, import.meta.url))
    const args = ['netns', 'exec', namespace, process.execPath, path, JSON.stringify(config)]
    this.child = spawn('ip', args, { stdio: ['pipe', 'pipe', 'inherit'] })
    createInterface(this.child.stdout).on('line', (line) => {
      this.#said.push(JSON.parse(line))
      for (const wake of this.#waiting.splice(0)) wake()
    })
  }

  /**
   * The next line that says this, also one that was said before and not asked for.
   *
   * @param {string} what
   * @returns {Promise<any>}
   */
  async says(what) {
    for (;;) {
      const at = this.#said.findIndex((line) => what in line)
      if (at !== -1) return this.#said.splice(at, 1)[0][what]
      await new Promise((resolve) => this.#waiting.push(() => resolve(null)))
    }
  }

  /** @param {string} word */
  tell(word) {
    this.child.stdin.write(`${word}\n`)
  }
}

/** @param {object} line */
export function say(line) {
  process.stdout.write(`${JSON.stringify(line)}\n`)
}

/**
 * Calls back with each line of stdin. The process ends with it, so that nothing is left when who started it dies.
 *
 * @param {(word: string) => void} onword
 */
export function listen(onword) {
  createInterface(process.stdin)
    .on('line', onword)
    .on('close', () => process.exit(0))
}

/** @returns {any} what this process was started with */
export function config() {
  return JSON.parse(process.argv[2] ?? '{}')
}
