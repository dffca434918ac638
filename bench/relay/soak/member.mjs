import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { trackChild } from '../../harness/scratch.mjs'
import { inTime } from '../work/in-time.mjs'

/** The longest is that of a relay that rests: until its last device has gone. */
const ANSWER_MS = 60_000

/** A process of the soak. It says things now and then, and tells its state when it is asked. */
export class Member {
  /** @type {((answer: never) => void)[]} */
  #asked = []
  #program

  /**
   * @param {string} program beside this file
   * @param {object} task
   * @param {NodeJS.ProcessEnv} env beside that of this process
   */
  constructor(program, task, env = {}) {
    this.#program = program
    const file = fileURLToPath(new URL(program, import.meta.url))
    this.child = fork(file, [JSON.stringify(task)], {
      stdio: ['ignore', 2, 2, 'ipc'],
      execArgv: ['--expose-gc'],
      env: { ...process.env, ...env }
    })
    trackChild(this.child)
    this.gone = once(this.child, 'exit')
    this.child.on('message', (answer) => this.#asked.shift()?.(/** @type {never} */ (answer)))
    this.child.once('exit', () => {
      for (const resolve of this.#asked.splice(0)) resolve(/** @type {never} */ (null))
    })
  }

  /** @template T @param {'ready' | 'state' | 'rest'} word @returns {Promise<T | null>} null when it ended meanwhile */
  ask(word) {
    const answer = new Promise((resolve) => {
      this.#asked.push(resolve)
      if (this.child.connected) this.child.send(word)
      else resolve(null)
    })
    return inTime(answer, `${this.#program} does not say its ${word}`, ANSWER_MS)
  }

  /** @param {NodeJS.Signals} signal */
  async end(signal) {
    this.child.kill(signal)
    await this.gone
  }
}

/** @template T @returns {T} what this process was started with */
export function task() {
  return JSON.parse(process.argv[2] ?? '{}')
}

/**
 * The other end: answers in the order of the questions.
 *
 * @param {Record<'ready' | 'state' | 'rest', () => Promise<object>>} answers
 */
export function answer(answers) {
  let last = Promise.resolve()
  process.on('message', (/** @type {keyof typeof answers} */ word) => {
    last = last.then(async () => void process.send?.(await answers[word]()))
  })
  // Ctrl-C goes to all: the first process decides.
  process.on('SIGINT', () => {})
  process.once('disconnect', () => process.exit())
}
