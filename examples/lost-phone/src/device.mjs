// One device: laptop, phone or cloud. The laptop also has the identity’s keys; an app would keep them in the system’s key store, and the next ones on paper.
import { createKeyPair, deviceOf, IdentityMemory, requestToJoin, Sigchain } from '@cloudpal/key-rotation'
import { coreMemory, endOf } from '@cloudpal/key-rotation/hypercore'
import { Authenticator } from '@cloudpal/key-rotation/protomux'
import Corestore from 'corestore'
import crypto from 'hypercore-crypto'
import { Database } from './database.mjs'
import { fromHex, serve, settings, toHex } from '@cloudpal/test-kit/serve'
import { localSwarm } from '@cloudpal/test-kit/swarm'

/** @typedef {typeof commands} Commands */
/** @typedef {{ key: string, possession: string, name: string, log: string }} Request */

/** @type {{ folder: string, bootstrap: { host: string, port: number }[] }} */
const { folder, bootstrap } = settings()
const keys = createKeyPair()
let control = createKeyPair()
let next = createKeyPair()
const store = new Corestore(folder)
const database = new Database(store, wake)
/** @type {Sigchain | null} */
let chain = null
/** @type {{ memory: IdentityMemory, authenticator: Authenticator, swarm: ReturnType<typeof localSwarm> } | null} */
let online = null
/** @type {string[]} */
const refusals = []
/** @type {Set<object>} */
const friends = new Set()
/** @type {(() => void)[]} */
const waiting = []

const commands = {
  /** Begins an identity, with this device as its first. @param {string} name */
  async found(name) {
    chain = Sigchain.incept({
      control: { keys: [control.publicKey] },
      next: { keys: [next.publicKey] },
      signers: [control]
    })
    const terms = requestToJoin(chain.state.identity, keys, { name, role: 'admin' })
    chain.addDevice(terms, [control])
    giveLog(chain, keys.publicKey, name, await ownLog())
    await start(chain.state.identity, chain.toBytes())
    return toHex(chain.state.identity)
  },

  /** What a new device shows to one that is in, such as a QR code. @param {string} identity @param {string} name */
  async ask(identity, name) {
    const { key, possession } = requestToJoin(fromHex(identity), keys, { name })
    return { key: toHex(key), possession: toHex(possession), name, log: toHex(await ownLog()) }
  },

  /** Lets a device in that the person has in their hands. @param {Request} request @returns the chain */
  async letIn({ key, possession, name, log }) {
    const mine = ownChain()
    const terms = { name, role: /** @type {const} */ ('writer'), expires: 0 }
    mine.addDevice({ ...terms, key: fromHex(key), possession: fromHex(possession) }, signers())
    giveLog(mine, fromHex(key), name, fromHex(log))
    await publish(mine)
    return toHex(mine.toBytes())
  },

  /** @param {string} identity @param {string} bytes the chain */
  async join(identity, bytes) {
    await start(fromHex(identity), fromHex(bytes))
  },

  /** @param {string} device @param {string} name @param {string} text */
  async write(device, name, text) {
    const log = store.get({ keyPair: keys })
    await log.append(Buffer.from(JSON.stringify({ name, text, at: Date.now() })))
    return `${device} wrote ${name}`
  },

  /** The phone is gone since its log had so many notes: those count, and no later ones; and the keys that it may have seen are changed. @param {string} device @param {number} count */
  async revoke(device, count) {
    const mine = ownChain()
    const gone = mine.state.devices.find(({ name }) => name === device)
    if (gone === undefined) throw new Error(`there is no ${device}`)
    const cutOffs = [await endOf(database.log(device), count)]
    mine.revokeDevice(gone.key, { reason: 'compromised', cutOffs }, signers())
    const after = createKeyPair()
    mine.rotate({ control: { keys: [next.publicKey] }, next: { keys: [after.publicKey] } }, [
      ...signers(),
      next
    ])
    control = next
    next = after
    await publish(mine)
  },

  /** Waits till so many notes count here. @param {number} count */
  async waitForNotes(count) {
    await until(async () => Object.keys((await commands.show()).notes).length >= count)
  },

  /** Waits till so many notes are in quarantine here. @param {number} count */
  async waitForQuarantine(count) {
    await until(async () => (await commands.show()).quarantine.length >= count)
  },

  /** Waits till so many notes of a device are here, whether they count or not. @param {string} device @param {number} count */
  async waitForLog(device, count) {
    await until(() => database.log(device).contiguousLength >= count)
  },

  /** Waits till a device was refused, and says why. @returns the first refusal */
  async waitForRefusal() {
    await until(() => refusals.length > 0)
    return refusals[0] ?? ''
  },

  /** Waits till this device has no connection that it trusts. */
  async waitForLoneliness() {
    await until(() => friends.size === 0)
  },

  async show() {
    if (online === null) throw new Error('not in yet')
    const { state } = online.memory
    const devices = state.devices.map(
      ({ name, revoked }) => `${name}${revoked === null ? '' : ` (${revoked.reason})`}`
    )
    return { ...(await database.read(state)), devices, events: state.seq + 1, friends: friends.size }
  }
}

serve(commands)

/** @param {Uint8Array} identity @param {Uint8Array} bytes */
async function start(identity, bytes) {
  const memory = await IdentityMemory.open(coreMemory(store.get({ name: 'identity' })), identity, bytes)
  const authenticator = new Authenticator(memory, keys, {
    onstate: (state) => void database.follow(state).then(wake),
    onrefused: ({ device, code }) => {
      refusals.push(`${nameOf(memory, device)}: ${code}`)
      wake()
    }
  })
  await database.follow(memory.state)
  const swarm = localSwarm(bootstrap)
  online = { memory, authenticator, swarm }
  swarm.on('connection', (connection) => void greet(authenticator, connection))
  swarm.join(crypto.discoveryKey(identity))
}

/** @param {Authenticator} authenticator @param {import('hypercore').ReplicationStream['noiseStream']} connection */
async function greet(authenticator, connection) {
  connection.on('error', () => {})
  connection.on('close', () => {
    friends.delete(connection)
    wake()
  })
  try {
    await authenticator.authenticate(connection)
  } catch {
    return
  }
  friends.add(connection)
  store.replicate(connection)
  wake()
}

/** This device’s log is a core of its own key. */
async function ownLog() {
  const log = store.get({ keyPair: keys })
  await log.ready()
  return /** @type {Uint8Array} */ (log.key)
}

/** @param {Sigchain} to @param {Uint8Array} device @param {string} name @param {Uint8Array} core */
function giveLog(to, device, name, core) {
  to.rollCore({ device, rolls: [{ name: `log/${name}`, core, previous: null }] }, signers())
}

function ownChain() {
  if (chain === null) throw new Error('only the laptop has the identity’s keys')
  return chain
}

function signers() {
  return [control]
}

/** @param {Sigchain} mine */
async function publish(mine) {
  await online?.authenticator.publish(mine.events)
}

/** @param {IdentityMemory} memory @param {Uint8Array | null} key */
function nameOf(memory, key) {
  return (key && deviceOf(memory.state, key)?.name) ?? 'somebody'
}

function wake() {
  for (const go of waiting.splice(0)) go()
}

/** Looks again whenever something has happened, also while it looked. @param {() => boolean | Promise<boolean>} ready */
async function until(ready) {
  for (;;) {
    const happened = /** @type {Promise<void>} */ (new Promise((go) => waiting.push(go)))
    if (await ready()) return
    await happened
  }
}
