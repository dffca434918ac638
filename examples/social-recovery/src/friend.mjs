// A friend’s telephone: keeps a sealed share, and helps whoever can say the code.
import {
  dealerKeyPair,
  holderKeyPair,
  openShare,
  RecoveryHelp,
  split,
  verifyShare
} from '@cloudpal/secret-share'
import { meet } from '@cloudpal/secret-share/protomux'
import { fromHex, serve, settings, toHex } from '@cloudpal/test-kit/serve'
import { localSwarm } from '@cloudpal/test-kit/swarm'

/** @typedef {typeof commands} Commands */

const keys = holderKeyPair()
const swarm = localSwarm(settings().bootstrap)
/** @type {import('@cloudpal/secret-share').Share | null} */
let share = null
/** One meeting; over another connection, when one is cut, it goes on. */
const help = new RecoveryHelp()
/** @type {import('@cloudpal/secret-share/protomux').Meeting | null} */
let meeting = null
/** @type {(() => void)[]} */
const waiting = []

swarm.on('connection', (connection) => {
  connection.on('error', () => {})
  const onprogress = () => {
    for (const go of waiting.splice(0)) go()
  }
  meeting = meet(connection, help, { onprogress }) ?? meeting
})

/** @param {() => boolean} ready */
async function until(ready) {
  while (!ready()) await /** @type {Promise<void>} */ (new Promise((go) => waiting.push(go)))
}

const commands = {
  /** What a friend gives the owner: a key to seal to, and an address. */
  async contact() {
    await swarm.listen()
    return { publicKey: toHex(keys.publicKey), address: toHex(swarm.keyPair.publicKey) }
  },

  /** Takes a sealed share, and looks whether it is any good. @param {string} sealed */
  keep(sealed) {
    share = verifyShare(openShare(fromHex(sealed), keys))
    return share.toJSON()
  },

  /** This friend means no good: in place of the share comes one of a set of their own, signed and all. */
  forge() {
    if (share === null) throw new Error('nothing to forge')
    const { threshold, holders, label } = share.header
    const names = Array.from({ length: holders }, (_, i) => ({ name: String(i) }))
    const loot = new Uint8Array(32).fill(0xbb)
    const set = split(loot, { threshold, holders: names, label, dealer: dealerKeyPair() })
    share = set.shares[share.index - 1]?.share ?? share
  },

  /** Somebody asks for something: the app shows what, and the friend, who has the owner on the telephone, agrees to begin. */
  async begin() {
    await until(() => help.request !== null)
    meeting?.send(help.begin())
    return help.request?.label
  },

  /**
   * The friend has heard the owner’s voice, and types in what it said. The share leaves, and the app shows what to read back.
   *
   * @param {string} code
   */
  async approve(code) {
    if (share === null) throw new Error('nothing to give')
    await until(() => help.ready)
    meeting?.send(help.approve(share, code))
    return help.code?.words ?? ''
  },

  close: () => swarm.destroy()
}

serve(commands)
