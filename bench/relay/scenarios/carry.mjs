// Bytes from one process to another, over each way; what is in between is a process of its own, whose processor time and whose count of bytes are read before
// and after.
import { median } from '../../harness/median.mjs'
import { milliseconds } from '../../harness/stopwatch.mjs'
import { RELAYED, WAYS, wayOf } from '../ways/ways.mjs'
import { Beside } from '../work/process.mjs'

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
    const connect = await way.dial(info, address, (word) => receiver.tell(word))
    const opens = []
    for (let i = 0; i < OPENS; i++)
      opens.push(await milliseconds(() => open(connect, (end) => end.destroy())))
    const bytes = keys * BYTES_AN_ENTRY
    let took = 0
    let [before, after] = [await sample(relay), await sample(relay)]
    await open(connect, async (end) => {
      await send(end, WARM_BYTES)
      before = await sample(relay)
      took = await milliseconds(() => send(end, bytes))
      after = await sample(relay)
    })
    checkPath(subject, bytes, after.carried - before.carried)
    const cpu = (after.cpuSeconds - before.cpuSeconds) / (bytes / 1e9)
    return {
      throughput: bytes / 1e6 / (took / 1000),
      'open-p50': median(opens),
      ...(RELAYED.includes(subject) && { 'relay-cpu': cpu })
    }
  }
}

/**
 * @param {() => Promise<import('../ways/way.mjs').End>} connect
 * @param {(end: import('../ways/way.mjs').End) => unknown} use
 */
async function open(connect, use) {
  const end = await connect()
  end.on('error', () => {})
  if (!(await end.opened)) throw new Error('a connection did not open')
  await use(end)
}

/** @param {Beside} relay @returns {Promise<{ carried: number, cpuSeconds: number }>} */
function sample(relay) {
  relay.tell('sample')
  return relay.next()
}

/**
 * Until the other end has said that it has all.
 *
 * @param {import('../ways/way.mjs').End} end
 * @param {number} bytes
 */
async function send(end, bytes) {
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

/**
 * A benchmark can go another way than it says.
 *
 * @param {string} subject
 * @param {number} bytes
 * @param {number} carried
 */
function checkPath(subject, bytes, carried) {
  const isRelayed = RELAYED.includes(subject)
  const fits = isRelayed ? carried >= bytes && carried < 1.5 * bytes : carried === 0
  if (!fits) throw new Error(`${subject}: of ${bytes} bytes ${carried} went through the process in between`)
}
