import { trend } from '../../soak/trend.mjs'

/** @typedef {import('./process-state.mjs').ProcessState & { connections: number }} State */
/** @typedef {{ clients: number, relays: number, drains: number }} Kills */
/** @typedef {{ ms: number, connects: number, missed: number, upgrades: number, wrong: number, kills: Kills, relay: State, clients: State }} Sample */

const OWNERS = /** @type {const} */ (['relay', 'clients'])
const JUDGED = /** @type {const} */ (['heap', 'external'])
/** Shown, and not judged: the allocator gives back what it likes. */
const SHOWN = /** @type {const} */ (['rss'])

export const HEAD = columns(['time', 'connects', ...OWNERS.flatMap((owner) => [owner, 'rss MB', 'heap MB'])])

/** One line: of the relay and the clients that nobody kills, sockets and memory. @param {Sample} sample */
export function rowOf({ ms, connects, relay, clients }) {
  const seconds = Math.round(ms / 1000)
  const time = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`
  const states = [relay, clients].flatMap(({ sockets, rss, heap }) => [
    `${sockets} sockets`,
    rss.toFixed(1),
    heap.toFixed(1)
  ])
  return columns([time, String(connects), ...states])
}

/**
 * Prints what was done, how memory went in the second half, and what is left.
 *
 * @param {readonly Sample[]} samples
 * @param {{ relay: State | null, clients: State | null }} before when nobody had come yet
 * @param {{ relay: State | null, clients: State | null } | null} rest when everybody had gone; null of a run that was cut
 * @returns whether something has leaked
 */
export function report(samples, before, rest) {
  const last = samples.at(-1)
  const killed = Object.entries(last?.kills ?? {}).map(([what, count]) => `${count} ${what}`)
  console.log(
    `\n${last?.connects.toLocaleString('en')} connects, ${last?.upgrades.toLocaleString('en')} moved to a direct path by those that live, ${last?.missed.toLocaleString('en')} of theirs not made or not done in time; killed or drained: ${killed.join(', ')}`
  )
  const wrong = last?.wrong ?? 0
  const faults = [
    ...growth(samples),
    ...(wrong > 0 ? [`${wrong} times other bytes came than were sent`] : []),
    ...(rest === null ? [] : remains(before, rest))
  ]
  if (rest === null) console.log('the run was cut: what would be left at the end is not known')
  console.log(faults.length === 0 ? 'no leak' : `FAULTS: ${[...new Set(faults)].join('; ')}`)
  return faults.length > 0
}

/** @param {readonly Sample[]} samples */
function growth(samples) {
  return OWNERS.flatMap((owner) =>
    [...JUDGED, ...SHOWN].flatMap((measure) => {
      const points = samples.map((sample) => ({ ms: sample.ms, value: sample[owner][measure] }))
      const found = trend(points)
      const figures =
        found === null
          ? 'too short to tell'
          : `${found.level.toFixed(1)} MB, at most ${found.most.toFixed(1)} (${found.perHour.toFixed(1)} MB/h)`
      console.log(`second half: ${measure} of the ${owner} ${figures}`)
      if (found === null) return ['the run is too short to tell']
      return found.isGrowing && measure !== 'rss' ? [`${measure} of the ${owner} grows`] : []
    })
  )
}

/**
 * @param {{ relay: State | null, clients: State | null }} before
 * @param {{ relay: State | null, clients: State | null }} rest
 */
function remains(before, rest) {
  return OWNERS.flatMap((owner) => {
    const [first, state] = [before[owner], rest[owner]]
    if (first === null || state === null) return [`the ${owner} ended`]
    console.log(
      `at the end: ${owner} with ${state.connections} connections, ${state.sockets} sockets (${first.sockets} at the start), ${state.heap.toFixed(1)} MB heap, ${state.rss.toFixed(1)} MB in all`
    )
    return [
      ...(state.connections > 0 ? [`connections of the ${owner} are left`] : []),
      ...(state.sockets > first.sockets ? [`sockets of the ${owner} are left`] : [])
    ]
  })
}

/** @param {string[]} cells */
function columns(cells) {
  return cells.map((cell) => cell.padStart(13)).join('')
}
