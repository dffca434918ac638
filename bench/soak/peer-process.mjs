import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { trackChild } from '../harness/scratch.mjs'

const PEER = fileURLToPath(new URL('./peer.mjs', import.meta.url))

/**
 * What the other device needs to begin with.
 *
 * @typedef {object} PeerTask
 * @property {string} dir
 * @property {string} key of the database, in hexadecimal
 * @property {string} encryptionKey
 * @property {number} keys
 * @property {number} seed
 *
 * @typedef {object} PeerProcess
 * @property {string} writerKey of its log, in hexadecimal
 * @property {number} port on the loopback, where it replicates with whoever connects
 * @property {() => Promise<void>} stop
 */

/**
 * Starts the second device in a process of its own, so that its memory is not counted.
 *
 * @param {string} dir
 * @param {Omit<PeerTask, 'dir'>} task
 * @returns {Promise<PeerProcess>}
 */
export async function startPeer(dir, task) {
  const child = fork(PEER, [], { stdio: ['ignore', 2, 2, 'ipc'] })
  trackChild(child)
  const exited = once(child, 'exit')
  child.send({ dir, ...task })
  const [started] = await Promise.race([
    once(child, 'message'),
    exited.then(() => Promise.reject(new Error('the second device ended before it began')))
  ])
  return {
    .../** @type {{ writerKey: string, port: number }} */ (started),
    stop: async () => {
      if (child.connected) child.disconnect()
      await exited
    }
  }
}
