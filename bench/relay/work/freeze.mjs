import { readFileSync } from 'node:fs'
import { until } from './until.mjs'

/**
 * Stops a process without its closing anything: when this is done it runs no more, as the kernel says.
 *
 * @param {import('node:child_process').ChildProcess} child
 */
export async function freeze(child) {
  child.kill('SIGSTOP')
  await until(() => stateOf(child.pid) === 'T', `process ${child.pid} goes on`, 1)
}

/** Third field of /proc/PID/stat (proc(5)); the second one, in brackets, may hold anything. @param {number | undefined} pid */
function stateOf(pid) {
  const line = readFileSync(`/proc/${pid}/stat`, 'latin1')
  return line.slice(line.lastIndexOf(')') + 2)[0]
}
