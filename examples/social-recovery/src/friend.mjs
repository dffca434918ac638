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
import { connect, fromHex, serve, toHex } from './serve.mjs'

/** @typedef {typeof commands} Commands */

const keys = holderKeyPair()
const swarm = connect()
/** @type {import('@cloudpal/secret-share').Share | null} */
let share = null
/** @type {{ help: RecoveryHelp, meeting: import('@cloudpal/secret-share/protomux').Meeting } | null} */
let asked = null
/** @type {(value?: unknown) => void} */
let showCode = () => {}
const comparable = new Promise((show) => (showCode = show))

swarm.on('connection', (connection) => {
  connection.on('error', () => {})
  const help = new RecoveryHelp()
  const onprogress = () => {
    if (help.code !== null) showCode()
  }
  const meeting = meet(connection, help, { onprogress })
  if (meeting) asked = { help, meeting }
})

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

  /** What is asked for, once both sides can compare a code. */
  async request() {
    await comparable
    return asked?.help.request?.label
  },

  /** The friend has heard the owner’s voice, and types in what it said. @param {string} code */
  approve(code) {
    if (asked === null || share === null) throw new Error('nobody asked')
    asked.meeting.send(asked.help.approve(share, code))
  },

  close: () => swarm.destroy()
}

serve(commands)
