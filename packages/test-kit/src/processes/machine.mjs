import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

/**
 * @template T
 * @typedef {T extends (...args: infer A) => infer R ? (...args: A) => Promise<Awaited<R>> : never} Remote
 */

/** Longer than the slowest of answers: a hole may take a minute to punch. */
const TIMEOUT_MS = 240_000

/**
 * A machine: a process of its own, as the one that started it sees it.
 *
 * @template {Record<string, unknown>} C
 */
export class Machine {
  /** @type {Map<number, { resolve: (result: never) => void, reject: (error: Error) => void }>} */
  #pending = new Map()
  #requests = 0
  #timeoutMs

  /**
   * @param {URL} program that calls `serve`
   * @param {object} settings which it gets as JSON, by `settings()`
   * @param {object} [options]
   * @param {readonly string[]} [options.within] a command that runs it, as one that enters a network namespace
   * @param {number} [options.timeoutMs] most that an answer may take
   * @param {(line: string) => void} [options.tell] hears what it says unasked
   */
  constructor(program, settings, { within = [], timeoutMs = TIMEOUT_MS, tell = () => {} } = {}) {
    this.#timeoutMs = timeoutMs
    const [command, ...args] = [...within, process.execPath, fileURLToPath(program), JSON.stringify(settings)]
    this.process = spawn(command, args, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
    this.process.on('error', () => {})
    this.gone = once(this.process, 'exit')
    this.process.on(
      'message',
      (/** @type {{ id?: number, line?: string, result?: never, error?: string }} */ message) => {
        if (message.line !== undefined) return tell(message.line)
        const pending = this.#pending.get(message.id ?? -1)
        if (message.error === undefined) return pending?.resolve(/** @type {never} */ (message.result))
        return pending?.reject(new Error(message.error))
      }
    )
    this.process.once('exit', () => {
      for (const { reject } of this.#pending.values()) reject(new Error('the machine has ended'))
    })
  }

  /**
   * @template {keyof C & string} N
   * @param {N} command
   * @param {Parameters<Remote<C[N]>>} args
   * @returns {Promise<Awaited<ReturnType<Remote<C[N]>>>>}
   */
  async call(command, ...args) {
    const id = this.#requests++
    const timer = setTimeout(() => {
      this.#pending.get(id)?.reject(new Error(`no answer to ${command} within ${this.#timeoutMs / 1000} s`))
    }, this.#timeoutMs)
    try {
      const answer = await new Promise((resolve, reject) => {
        this.#pending.set(id, { resolve, reject })
        this.process.send({ id, command, args }, (error) => error && reject(error))
      })
      return /** @type {never} */ (answer)
    } finally {
      clearTimeout(timer)
      this.#pending.delete(id)
    }
  }

  /** Ends the process at once. */
  async destroy() {
    this.process.kill('SIGKILL')
    await this.gone
  }
}
