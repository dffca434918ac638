// Bytes from one process to another, over each way; what is in between is a process of its own, whose processor time and whose count of bytes are read before
// and after.
import { median } from '../../harness/median.mjs'
import { milliseconds } from '../../harness/stopwatch.mjs'
import { RELAYED, WAYS, wayOf } from '../ways/ways.mjs'
import { inTime } from '../work/in-time.mjs'
import { checkDirect, checkRelayed } from '../work/path-check.mjs'
import { Beside } from '../work/process.mjs'

/** @typedef {import('../ways/way.mjs').End} End */
/** @typedef {import('../ways/way.mjs').Wire} Wire */

/** So many entries are 100 MB. */
const BYTES_AN_ENTRY = 10_000
const WARM_BYTES = 8e6
const CHUNK = new Uint8Array(64 * 1024)
const OPENS = 9

/** @type {import('../../harness/suite.mjs').Scenario} */
export const carry = {
  module: import.meta.url,
  metrics: [
    { name: 'throughput', unit: 'MB/s', sizes: ['small'] },
    { name: 'open-p50', unit: 'ms', sizes: ['small'] },
    { name: 'relay-cpu', unit: 's/GB', sizes: ['small'] }
  ],
  subjects: Object.fromEntries(Object.keys(WAYS).map((name) => [name, ['small']])),
  measure: async ({ step }) => (await step('carry')).values
}

export const steps = {
  /** @param {import('../../harness/suite.mjs').StepInput} input */
  async carry({ subject, keys }) {
    const way = await wayOf(subject)
    const relay = new Beside('./relay.mjs', [subject])
    const { info } = await relay.next()
    const receiver = new Beside('./receiver.mjs', [subject, JSON.stringify(info)])
    const { address } = await receiver.next()
    const dialled = way.dial(info, address, (word) => receiver.tell(word))
    const connect = await inTime(dialled, `${subject}: nothing to dial with`)
    const opens = []
    for (let i = 0; i < OPENS; i++)
      opens.push(await milliseconds(async () => (await open(subject, connect)).destroy()))

    const end = await open(subject, connect)
    const bytes = keys * BYTES_AN_ENTRY
    await send(subject, end, WARM_BYTES)
    const before = await sample(relay, receiver)
    const took = await milliseconds(() => send(subject, end, bytes))
    const after = await sample(relay, receiver)
    const isRelayed = RELAYED.includes(subject)
    if (isRelayed) checkRelayed(subject, after.carried - before.carried, bytes)
    else checkDirect(subject, wireOf(way, end), { before: before.wire, after: after.wire }, bytes)
    const cpu = (after.cpuSeconds - before.cpuSeconds) / (bytes / 1e9)
    return {
      throughput: bytes / 1e6 / (took / 1000),
      'open-p50': median(opens),
      ...(isRelayed && { 'relay-cpu': cpu })
    }
  }
}

/** @param {string} subject @param {() => Promise<End>} connect */
async function open(subject, connect) {
  const end = await inTime(connect(), `${subject}: no connection`)
  end.on('error', () => {})
  if (!(await inTime(end.opened, `${subject}: a connection does not open`)))
    throw new Error(`${subject}: a connection did not open`)
  return end
}

/** @param {Beside} relay @param {Beside} receiver @returns {Promise<{ carried: number, cpuSeconds: number, wire: Wire }>} */
async function sample(relay, receiver) {
  return { ...(await relay.ask('sample')), ...(await receiver.ask('wire')) }
}

/** @param {import('../ways/way.mjs').Way} way @param {End} end */
function wireOf({ wireOf }, end) {
  if (wireOf === undefined) throw new Error('a way that cannot show where it goes')
  return wireOf(end)
}

/**
 * Until the other end has said that it has all.
 *
 * @param {string} subject
 * @param {End} end
 * @param {number} bytes
 */
async function send(subject, end, bytes) {
  const ended = new Promise((_, reject) =>
    end.once('close', () => reject(new Error(`${subject}: the connection ended in ${bytes / 1e6} MB`)))
  )
  await inTime(Promise.race([ended, sendAll(end, bytes)]), `${subject}: no end of ${bytes / 1e6} MB`)
}

/** @param {End} end @param {number} bytes */
async function sendAll(end, bytes) {
  const acknowledged = new Promise((resolve) =>
    end.once(/** @type {'open'} */ ('data'), () => resolve(undefined))
  )
  const head = Buffer.alloc(4)
  head.writeUInt32LE(bytes)
  end.write(head)
  for (let left = bytes; left > 0; left -= CHUNK.length) {
    const isRoom = end.write(CHUNK.subarray(0, Math.min(left, CHUNK.length)))
    if (!isRoom) await new Promise((resolve) => end.once('drain', () => resolve(undefined)))
  }
  await acknowledged
}
