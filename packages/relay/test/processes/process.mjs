import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

/** A process of a namespace that says one JSON object a line, and ends with its stdin. */
export class Process {
  /** @type {object[]} */
  #said = []
  /** @type {((line: object) => void)[]} */
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
    createInterface(this.child.stdout).on('line', (line) => this.#hear(JSON.parse(line)))
    this.child.on('exit', () => this.#hear({ type: 'exit' }))
  }

  /** @returns {Promise<any>} the next line */
  next() {
    const said = this.#said.shift()
    if (said !== undefined) return Promise.resolve(said)
    return new Promise((resolve) => this.#waiting.push(resolve))
  }

  /** @param {string} word */
  tell(word) {
    this.child.stdin.write(`${word}\n`)
  }

  /** @param {object} line */
  #hear(line) {
    const waiting = this.#waiting.shift()
    if (waiting === undefined) this.#said.push(line)
    else waiting(line)
  }
}

/** @param {object} line */
export function say(line) {
  process.stdout.write(`${JSON.stringify(line)}\n`)
}

/**
 * Runs for each line of stdin; the process ends with it, so that nothing is left behind when the other side dies.
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

/** @param {string} hex */
export function fromHex(hex) {
  return Buffer.from(hex, 'hex')
}
