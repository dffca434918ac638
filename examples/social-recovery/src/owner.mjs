// The owner’s machine: the old one, which deals the shares, and the new one, which asks for them.
import {
  corestoreKey,
  dealerKeyPair,
  Recovery,
  sealShare,
  SecretShareError,
  split
} from '@cloudpal/secret-share'
import { meet } from '@cloudpal/secret-share/protomux'
import Corestore from 'corestore'
import { fromHex, serve, settings, toHex } from '@cloudpal/test-kit/serve'
import { localSwarm } from '@cloudpal/test-kit/swarm'

/** @typedef {typeof commands} Commands */
/** @typedef {{ name: string, publicKey: string, address: string }} Friend */

/** @type {{ folder: string, bootstrap: { host: string, port: number }[] }} */
const { folder, bootstrap } = settings()
const LABEL = 'Ada’s cloud'
/** @type {Corestore | null} */
let store = null
/** @type {ReturnType<typeof localSwarm> | null} */
let swarm = null
const recovery = new Recovery({ label: LABEL })
/** @type {(() => void)[]} */
const waiting = []

const commands = {
  /** Writes something into a core that only this store’s key can write. @param {string} text */
  async write(text) {
    store ??= new Corestore(folder)
    const core = store.get({ name: 'notes' })
    await core.append(Buffer.from(text))
    return toHex(/** @type {Uint8Array} */ (core.key))
  },

  /** Three of all friends shall bring the store’s key back. @param {Friend[]} friends */
  async deal(friends) {
    if (store === null) throw new Error('nothing to protect yet')
    const holders = friends.map((friend) => ({ name: friend.name, publicKey: fromHex(friend.publicKey) }))
    const secret = await corestoreKey(store)
    const { shares } = split(secret, { threshold: 3, holders, label: LABEL, dealer: dealerKeyPair() })
    secret.fill(0)
    return shares.map(({ holder, share }) => toHex(sealShare(share, holder.publicKey ?? new Uint8Array(0))))
  },

  /** Asks one friend, over the network. @param {Friend} friend @returns the code to be read to them */
  async ask(friend) {
    swarm ??= localSwarm(bootstrap)
    const ask = recovery.ask(friend.name)
    swarm.on('connection', (connection) => {
      if (toHex(connection.remotePublicKey ?? new Uint8Array(0)) !== friend.address) return
      connection.on('error', () => {})
      meet(connection, ask, { onprogress: wake, onerror: wake })
    })
    swarm.joinPeer(fromHex(friend.address))
    await until(() => ask.code !== null)
    return /** @type {import('@cloudpal/secret-share').ShortCode} */ (ask.code)
  },

  /**
   * The owner types in what the friend has read back: only now the friend’s share counts.
   *
   * @param {string} name
   * @param {string} code
   */
  async confirm(name, code) {
    const { ask } = recovery.asked.find((asked) => asked.name === name) ?? {}
    await until(() => ask?.arrived === true)
    ask?.confirm(code)
  },

  /** Tries what is there. */
  async recover() {
    try {
      const { secret, faults, used } = recovery.combine()
      store = new Corestore(folder, { primaryKey: secret, unsafe: true })
      const core = store.get({ name: 'notes' })
      await core.ready()
      return {
        error: null,
        key: toHex(/** @type {Uint8Array} */ (core.key)),
        writable: core.writable,
        used,
        bad: named(faults)
      }
    } catch (error) {
      if (!(error instanceof SecretShareError)) throw error
      return { error: error.code, key: '', writable: false, used: [], bad: named(error.faults) }
    }
  },

  async close() {
    await swarm?.destroy()
    await store?.close()
  }
}

serve(commands)

/** @param {readonly import('@cloudpal/secret-share').ShareFault[]} faults */
function named(faults) {
  return faults.map(({ position, code, message }) => ({ name: recovery.received[position], code, message }))
}

function wake() {
  for (const go of waiting.splice(0)) go()
}

/** @param {() => boolean} ready */
async function until(ready) {
  while (!ready()) await /** @type {Promise<void>} */ (new Promise((go) => waiting.push(go)))
}
