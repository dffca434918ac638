import { Readings } from './readings.mjs'
import { temperaturesOf } from './sensor.mjs'

/**
 * @typedef {object} Answer
 * @property {string} question
 * @property {number} entries
 * @property {string[]} sources that gave any
 * @property {number} requests to the archive
 * @property {number} bytes from it
 */

/**
 * Three years of readings, two of them archived; then questions to all of them.
 *
 * @param {string} directory
 * @param {(line: string) => void} say
 * @returns {Promise<{ cleared: number[], answers: Answer[] }>}
 */
export async function tell(directory, say) {
  const readings = new Readings(directory, '2023')
  /** @type {number[]} */
  const cleared = []
  for (const year of ['2023', '2024', '2025']) {
    await readings.add(temperaturesOf(year))
    say(`${year}: a reading every hour, written here`)
    if (year === '2025') break
    cleared.push(await readings.rotate(String(Number(year) + 1)))
    say(`${year}: archived, and cleared here: ${kilobytes(cleared.at(-1) ?? 0)} less on this disk`)
  }

  say(
    '\nquestion                                     answered by                          entries  requests       read'
  )
  /** @type {Answer[]} */
  const answers = []
  /** @param {string} question @param {() => Promise<number>} ask */
  const ask = async (question, ask) => {
    const answer = await measured(readings, question, ask)
    answers.push(answer)
    say(row(answer))
  }
  const { all } = readings
  /** @param {{ gte: string, lt: string }} range */
  const count = async (range) => {
    let entries = 0
    for await (const _ of all.createReadStream(range)) entries++
    return entries
  }
  const one = async (/** @type {string} */ time) => ((await all.get(time)) === null ? 0 : 1)

  await ask('last week', () => count({ gte: '2025-12-25', lt: '2026' }))
  await ask('one reading of this year', () => one('2025-07-01T12'))
  await ask('a reading of a year before the first', () => one('1999-07-01T12'))
  await ask('one reading of two years ago', () => one('2023-07-01T12'))
  await ask('another one, of that day', () => one('2023-07-01T18'))
  await ask('a turn of the year', () => count({ gte: '2024-12-30', lt: '2025-01-03' }))
  await ask('everything', () => count({ gte: '2023', lt: '2026' }))
  await readings.close()
  return { cleared, answers }
}

/**
 * @param {Readings} readings
 * @param {string} question
 * @param {() => Promise<number>} ask
 * @returns {Promise<Answer>}
 */
async function measured(readings, question, ask) {
  const before = { sources: readings.all.sources, costs: total(readings) }
  const entries = await ask()
  const after = total(readings)
  const sources = readings.all.sources
    .filter(({ answered }, i) => answered > (before.sources[i]?.answered ?? 0))
    .map(({ name }) => name)
  return {
    question,
    entries,
    sources,
    requests: after.requests - before.costs.requests,
    bytes: after.bytes - before.costs.bytes
  }
}

/** @param {Readings} readings */
function total({ costs }) {
  let [requests, bytes] = [0, 0]
  for (const cost of costs.values()) {
    requests += cost.requests
    bytes += cost.bytes
  }
  return { requests, bytes }
}

/** @param {Answer} answer */
function row({ question, entries, sources, requests, bytes }) {
  const columns = [
    question.padEnd(44),
    (sources.join(' + ') || 'nobody').padEnd(36),
    String(entries).padStart(7),
    String(requests).padStart(9),
    kilobytes(bytes).padStart(10)
  ]
  return columns.join(' ')
}

/** @param {number} bytes */
function kilobytes(bytes) {
  return `${(bytes / 1000).toFixed(0)} kB`
}
