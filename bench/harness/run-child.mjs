import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { isStopping, trackChild } from './scratch.mjs'

const CHILD = fileURLToPath(new URL('./child.mjs', import.meta.url))

/** No step takes this long; one that does hangs. */
const TIMEOUT_MS = 60 * 60 * 1000

/**
 * Runs one step of a scenario in a process of its own, so that nothing is warm but what the step itself warms.
 *
 * @param {{ module: string, step: string, input: import('./suite.mjs').StepInput }} task
 * @returns {Promise<import('./suite.mjs').StepResult>}
 */
export function runChild(task) {
  return new Promise((resolve, reject) => {
    const child = fork(CHILD, [], { stdio: ['ignore', 2, 2, 'ipc'] })
    trackChild(child)
    const timer = setTimeout(() => child.kill('SIGKILL'), TIMEOUT_MS)
    /** @type {{ result?: import('./suite.mjs').StepResult, error?: string }} */
    let answer = { error: 'the process ended without a result' }
    child.on('message', (message) => {
      answer = /** @type {typeof answer} */ (message)
    })
    child.on('error', reject)
    child.on('exit', (_, signal) => {
      clearTimeout(timer)
      // Ctrl-C ends a child that has only just begun before this process hears of it.
      if (isStopping() || signal === 'SIGINT') return
      if (answer.result === undefined) reject(new Error(`${task.step}: ${answer.error}`))
      else resolve(answer.result)
    })
    child.send(task)
  })
}
