// Some devices of the soak: each is reachable, and connects to others without end.
import crypto from 'hypercore-crypto'
import { createGrant, RelayClient } from '@cloudpal/relay'
import { seededRandom } from '../../soak/random.mjs'
import { DEVICES, devicesOf, followsSet, hasGrant, keyPairOf } from './keys.mjs'
import { answer, task } from './member.mjs'
import { processState } from './process-state.mjs'

/** An exchange that takes longer is given up, and counted. */
const EXCHANGE_MS = 10_000
const MOST_BYTES = 32_768
/** No stretch of it is like another one: bytes in another order show. */
const NOISE = crypto.randomBytes(2 * MOST_BYTES)
const HOST = '127.0.0.1'
/** One in so many reads nothing for a while. */
const STALLS = 20
const STALL_MS = 1_000
/** Longer than any soak. */
const GRANT_MS = 7 * 86_400_000

/** One of these devices can be reached directly, once it is known where. */
const LISTENS = 3

/** @type {{ group: number, groups: number, lanes: number, ports: { tcp: number, ws: number }[], secure: boolean, set: string, seed: number }} */
const { group, groups, lanes, ports, secure, set, seed } = task()
const random = seededRandom(seed)
const counts = { connects: 0, failed: 0, late: 0, cut: 0, upgrades: 0, stalled: 0, wrong: 0 }
const before = await processState()
const others = Array.from({ length: groups }, (_, other) => (other === group ? [] : devicesOf(other))).flat()
/** Every second device comes over WebSocket, every fourth shows a grant, and every fourth follows the signed set. @param {number} device */
const relaysOf = (device) =>
  ports.map(({ tcp, ws }, number) => ({
    publicKey: keyPairOf('relay', number).publicKey,
    ...(hasGrant(device) && { grant: grantOf(device) }),
    ...(device % 2 === 0 ? { tcp: { host: HOST, port: tcp } } : { ws: `${schemeOf(number)}://${HOST}:${ws}` })
  }))
const replicas = { owner: keyPairOf('owner', 0).publicKey, set: Buffer.from(set, 'hex') }
const lives = { going: true }

const clients = devicesOf(group).map((keyPair, i) => {
  // Half of them ask the relay first that is killed now and then.
  const relays = relaysOf(i)
  const ways = followsSet(i) ? { replicas } : { relays: i < DEVICES / 2 ? relays : relays.toReversed() }
  const client = new RelayClient({
    keyPair,
    ...ways,
    listen: i === LISTENS ? { host: HOST } : null
  })
  client.on('connection', (/** @type {import('@cloudpal/relay').Connection} */ connection) => {
    connection.on('data', (data) => connection.write(data))
    connection.on('end', () => connection.end())
  })
  return client
})
await Promise.all(clients.map((client) => client.ready()))
const running = Array.from({ length: lanes }, (_, lane) => drive(clients[lane % clients.length]))

answer({
  ready: async () => before,
  state: async () => ({ ...(await processState()), ...counts, connections: open() }),
  /** Makes no more connections, and waits for the others to go. */
  async rest() {
    lives.going = false
    await Promise.all(running)
    for (const client of clients) await client.close()
    return { ...(await processState()), ...counts, connections: open() }
  }
})

/** The first relay ends TLS itself. @param {number} number of the relay */
function schemeOf(number) {
  return number === 0 && secure ? 'wss' : 'ws'
}

/** @param {number} device */
function grantOf(device) {
  const { publicKey } = keyPairOf('device', group * DEVICES + device)
  return createGrant(keyPairOf('issuer', 0), { device: publicKey, expiresAt: Date.now() + GRANT_MS })
}

function open() {
  return clients.reduce((sum, { connections }) => sum + connections.size, 0)
}

/** @param {RelayClient | undefined} client */
async function drive(client) {
  if (client === undefined) return
  while (lives.going) {
    const target = others[random(others.length)]
    if (target === undefined) return
    const connection = client.connect(target.publicKey)
    if (await connection.opened) {
      counts.connects++
      await exchange(connection)
    } else {
      counts.failed++
    }
  }
}

/**
 * Sends bytes that come back, compares each, and closes; one in five is cut off in the middle, and one in twenty reads nothing for a while.
 *
 * @param {import('@cloudpal/relay').Connection} connection
 */
async function exchange(connection) {
  const at = random(MOST_BYTES)
  const bytes = NOISE.subarray(at, at + 1 + random(MOST_BYTES))
  const cutAt = random(5) === 0 ? random(bytes.length) : Infinity
  const stalls = random(STALLS) === 0
  const closed = new Promise((resolve) => connection.once('close', () => resolve(null)))
  const timer = setTimeout(() => {
    counts.late++
    connection.destroy()
  }, EXCHANGE_MS)
  let received = 0
  connection.on('path', (path) => {
    if (path?.kind === 'tcp') counts.upgrades++
  })
  connection.on('data', (data) => {
    if (Buffer.compare(bytes.subarray(received, received + data.length), data) !== 0) counts.wrong++
    received += data.length
    if (received >= cutAt) {
      counts.cut++
      connection.destroy()
    } else if (received >= bytes.length) {
      connection.end()
    }
  })
  connection.write(bytes)
  if (stalls) {
    counts.stalled++
    connection.pause()
    await Promise.race([closed, new Promise((resolve) => setTimeout(resolve, STALL_MS))])
    connection.resume()
  }
  await closed
  clearTimeout(timer)
}
