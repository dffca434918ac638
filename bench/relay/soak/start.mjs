// Connects without end through two relays, over TCP and WebSocket, and onto direct paths, while clients and one of the relays are killed:
// `npm run soak:relay -- --connects 100000`. Exits with 1 when something is left over or grows.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { ReplicaSet } from '@cloudpal/relay'
import { provenance } from '../../harness/machine.mjs'
import { seededRandom } from '../../soak/random.mjs'
import { certificateIn } from './certificate.mjs'
import { keyPairOf } from './keys.mjs'
import { Member } from './member.mjs'
import { HEAD, report, rowOf } from './report.mjs'
import { readRows, writeRow } from './rows.mjs'

/** @typedef {import('./report.mjs').Sample} Sample */
/** @typedef {import('./report.mjs').State} State */
/** @typedef {{ tcp: number, ws: number }} Ports */
/** @typedef {State & { connects: number, failed: number, late: number, cut: number, upgrades: number, stalled: number, wrong: number }} ClientState */

const USAGE = `npm run soak:relay -- [options]

  --connects N  how many (100000)
  --minutes N   and no longer than this (60)
  --seed N      of the choices (1)
  --rows FILE   where each row goes too, as JSON
  --judge FILE  runs nothing, and judges the rows of a run, also of one that was cut`

/** Processes with four devices each; the first one is never killed, and measured. */
const GROUPS = 4
/** Connections that a process makes at once. */
const LANES = 8
const SAMPLE_MS = 10_000
const KILL_MS = 3_000

const { connects, minutes, seed, rows, judge } = readOptions()
if (judge !== null) {
  const { samples, before, rest } = readRows(judge)
  process.exit(report(samples, before, rest) ? 1 : 0)
}
const random = seededRandom(seed)
const { date, machine, node } = provenance()
console.log(`soak of relay: ${date}, ${machine}, Node ${node}, seed ${seed}\n`)

const started = performance.now()
const kills = { clients: 0, relays: 0, drains: 0 }
let ended = 0
let endedWrong = 0
let stopping = false
for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])) {
  process.on(signal, () => {
    if (stopping) process.exit(130)
    stopping = true
  })
}

const directory = mkdtempSync(join(tmpdir(), 'soak-'))
process.once('exit', () => rmSync(directory, { recursive: true, force: true }))
const certificate = certificateIn(directory)
if (certificate === null) console.log('openssl is not installed: no TLS\n')
const ports = [await portsOf(0), await portsOf(1)]
const set = Buffer.from(setOf(ports).bytes).toString('hex')
const steady = await startRelay(0, ports[0])
let mortal = await startRelay(1, ports[1])
const groups = Array.from({ length: GROUPS }, (_, group) => startClients(group))
/** @type {State | null} */
const clientsBefore = (await groups[0]?.ask('ready')) ?? null
const before = { relay: steady.state, clients: clientsBefore }
writeRow(rows, { before })
console.log(HEAD)
const samples = await drive()
/** @type {(ClientState | null)[]} */
const rests = await Promise.all(groups.map((member) => member.ask('rest')))
// As one of its set it would be watched by the other relay.
await mortal.relay.end('SIGKILL')
/** @type {State | null} */
const relayRest = await steady.relay.ask('rest')
const rest = { relay: relayRest, clients: rests[0] ?? null }
writeRow(rows, { rest })
process.exitCode = report(samples, before, rest) ? 1 : 0
for (const member of [...groups, steady.relay]) await member.end('SIGKILL')

async function drive() {
  /** @type {Sample[]} */
  const samples = []
  let next = { sample: SAMPLE_MS, kill: KILL_MS }
  for (;;) {
    const ms = performance.now() - started
    if (ms >= next.sample) {
      const sample = await sampleAt(ms)
      samples.push(sample)
      writeRow(rows, { sample })
      console.log(rowOf(sample))
      next = { ...next, sample: ms + SAMPLE_MS }
      if (sample.connects >= connects || ms > minutes * 60_000 || stopping) return samples
    }
    if (ms >= next.kill) {
      await killSomebody()
      next = { ...next, kill: ms + KILL_MS / 2 + random(KILL_MS) }
    }
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
}

/** @param {number} ms @returns {Promise<Sample>} */
async function sampleAt(ms) {
  /** @type {(ClientState | null)[]} */
  const states = await Promise.all(groups.map((member) => member.ask('state')))
  /** @type {State | null} */
  const relay = await steady.relay.ask('state')
  const [clients] = states
  if (relay === null || clients === undefined || clients === null)
    throw new Error('what is measured has ended')
  const done = states.reduce((sum, state) => sum + (state?.connects ?? 0), ended)
  const missed = states.reduce((sum, state) => sum + (state?.failed ?? 0) + (state?.late ?? 0), 0)
  const upgrades = states.reduce((sum, state) => sum + (state?.upgrades ?? 0), 0)
  const wrong = states.reduce((sum, state) => sum + (state?.wrong ?? 0), endedWrong)
  return { ms, connects: done, missed, upgrades, wrong, kills: { ...kills }, relay, clients }
}

/** In the middle of what it does. The relay now and then: once it drains, once it is dead at once. */
async function killSomebody() {
  if (random(4) > 0) {
    const group = 1 + random(GROUPS - 1)
    const member = groups[group]
    if (member === undefined) return
    /** @type {ClientState | null} */
    const state = await member.ask('state')
    ended += state?.connects ?? 0
    endedWrong += state?.wrong ?? 0
    await member.end('SIGKILL')
    groups[group] = startClients(group)
    kills.clients++
    return
  }
  const drains = random(2) === 0
  await mortal.relay.end(drains ? 'SIGTERM' : 'SIGKILL')
  mortal = await startRelay(1, ports[1])
  kills[drains ? 'drains' : 'relays']++
}

/** What a signed set says of relays has to be known before they have it. @param {number} number @returns {Promise<Ports>} that were free */
async function portsOf(number) {
  const { relay, state } = await startRelay(number, { tcp: 0, ws: 0 }, null)
  await relay.end('SIGTERM')
  return state.ports
}

/** @param {Ports[]} ports */
function setOf(ports) {
  const replicas = ports.map(({ tcp }, number) => ({
    key: keyPairOf('relay', number).publicKey,
    addresses: [`tcp://127.0.0.1:${tcp}`]
  }))
  return ReplicaSet.sign(replicas, 1, keyPairOf('owner', 0))
}

/** @param {number} number @param {Ports | undefined} at @param {string | null} known the set that it is in */
async function startRelay(number, at, known = set) {
  const tls = number === 0 ? certificate : null
  const relay = new Member('relay.mjs', { number, ports: at, groups: GROUPS, set: known, tls })
  /** @type {State & { ports: Ports } | null} */
  const state = await relay.ask('ready')
  if (state === null) throw new Error('the relay did not start')
  return { relay, state }
}

/** @param {number} group */
function startClients(group) {
  const secure = certificate !== null
  const task = { group, groups: GROUPS, lanes: LANES, ports, secure, set, seed: random(2 ** 30) }
  return new Member('clients.mjs', task, secure ? { NODE_EXTRA_CA_CERTS: certificate.file } : {})
}

function readOptions() {
  try {
    const { values } = parseArgs({
      options: {
        connects: { type: 'string', default: '100000' },
        minutes: { type: 'string', default: '60' },
        seed: { type: 'string', default: '1' },
        rows: { type: 'string' },
        judge: { type: 'string' }
      }
    })
    const [connects, minutes, seed] = [values.connects, values.minutes, values.seed].map(Number)
    if (!(connects && minutes && seed && connects > 0 && minutes > 0 && seed > 0))
      throw new Error('numbers above 0 are needed')
    return { connects, minutes, seed, rows: fileOf(values.rows), judge: fileOf(values.judge) }
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`)
    return process.exit(2)
  }
}

/** npm starts this in another directory than the one the caller stands in. @param {string | undefined} file */
function fileOf(file) {
  return file === undefined ? null : resolve(process.env['INIT_CWD'] ?? '', file)
}
