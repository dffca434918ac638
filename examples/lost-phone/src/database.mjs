// One database that all devices write: each has a log, and what counts of the logs together is the database. The newest of two notes of one name shows.
import { BlockJudge } from '@cloudpal/key-rotation'

/** @typedef {{ name: string, text: string, at: number }} Note */

/** @type {Note} */
const NO_NOTE = { name: 'no note', text: '', at: 0 }

/** The logs that an identity names, with what is in them. */
export class Database {
  #store
  #onchange
  /** @type {Map<string, import('hypercore').default>} */
  #logs = new Map()

  /**
   * @param {import('corestore').default} store
   * @param {() => void} onchange when there is more in a log
   */
  constructor(store, onchange) {
    this.#store = store
    this.#onchange = onchange
  }

  /** Follows every log that is named. @param {import('@cloudpal/key-rotation').IdentityState} state */
  async follow(state) {
    for (const [name, links] of state.cores) {
      const key = links.at(-1)?.core
      if (key === undefined || this.#logs.has(name)) continue
      const log = this.#store.get({ key })
      this.#logs.set(name, log)
      await log.ready()
      log.on('append', this.#onchange)
      log.on('download', this.#onchange)
      log.download({ start: 0, end: -1 })
    }
  }

  /** @param {string} device */
  log(device) {
    const log = this.#logs.get(`log/${device}`)
    if (log === undefined) throw new Error(`no log of ${device} is known`)
    return log
  }

  /**
   * What counts, and what does not; what is neither yet is left out.
   *
   * @param {import('@cloudpal/key-rotation').IdentityState} state
   */
  async read(state) {
    const judge = new BlockJudge(state)
    /** @type {Note[]} */
    const notes = []
    /** @type {(Note & { log: string })[]} */
    const quarantine = []
    for (const [name, log] of this.#logs) {
      const key = /** @type {Uint8Array} */ (log.key)
      const end = judge.endOf(key)
      const treeHash =
        end !== null && log.contiguousLength >= end.length ? await log.treeHash(end.length) : null
      for (let i = 0; i < log.contiguousLength; i++) {
        const verdict = judge.judge(key, i, treeHash)
        const note = noteOf(/** @type {Uint8Array} */ (await log.get(i)))
        if (verdict === 'accepted' && note !== null) notes.push(note)
        if (verdict === 'quarantined') quarantine.push({ ...(note ?? NO_NOTE), log: name })
      }
    }
    const newest = new Map(notes.sort((a, b) => a.at - b.at).map((note) => [note.name, note.text]))
    return { notes: Object.fromEntries([...newest].sort(([a], [b]) => (a < b ? -1 : 1))), quarantine }
  }
}

/** Whoever may write a log, or has stolen its key, can write anything. @param {Uint8Array} block @returns {Note | null} */
function noteOf(block) {
  try {
    const { name, text, at } = JSON.parse(Buffer.from(block).toString())
    const isNote = typeof name === 'string' && typeof text === 'string' && Number.isFinite(at)
    return isNote ? { name, text, at } : null
  } catch {
    return null
  }
}
