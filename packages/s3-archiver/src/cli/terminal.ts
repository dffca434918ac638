import { Presets, SingleBar } from 'cli-progress'
import type { SignalLike } from '../store/object-store.ts'
import type { SwarmLike } from '../types.ts'

/** What a command line is run with; a test has its own. */
export interface Surroundings {
  /** Prints a line of the result. */
  out(line: string): void
  /** Prints a line that is not of the result. */
  err(line: string): void
  /** Whether somebody looks on: else no progress is shown. */
  isTerminal: boolean
  /** Ends what is under way: Ctrl-C. */
  signal: SignalLike
  /** Where cores are served. @defaultValue Hyperswarm's own network */
  openSwarm?: () => Promise<SwarmLike>
}

/** What a command shows: its progress while it runs, and then its result, as text or as JSON. */
export class Terminal {
  readonly surroundings: Surroundings
  readonly #isJson: boolean
  #bar: SingleBar | null = null

  constructor(surroundings: Surroundings, isJson: boolean) {
    this.surroundings = surroundings
    this.#isJson = isJson
  }

  get signal(): SignalLike {
    return this.surroundings.signal
  }

  progress(what: string, done: number, of: number): void {
    if (this.#isJson || !this.surroundings.isTerminal) return
    if (this.#bar === null) {
      const format = '{what} [{bar}] {percentage}% {value}/{total}'
      this.#bar = new SingleBar({ format, clearOnComplete: true, hideCursor: true }, Presets.shades_classic)
      this.#bar.start(of, done, { what })
    }
    this.#bar.setTotal(of)
    this.#bar.update(done, { what })
  }

  /** @param text - for people; `value` is for programs: what it is, and byte arrays as hex */
  result(value: object, text: readonly string[]): void {
    this.end()
    if (this.#isJson) this.surroundings.out(JSON.stringify(value, asJson))
    else for (const line of text) this.surroundings.out(line)
  }

  note(line: string): void {
    if (!this.#isJson) this.surroundings.err(line)
  }

  failure(error: Error): void {
    this.end()
    const { code = null } = error as { code?: string }
    if (this.#isJson) this.surroundings.err(JSON.stringify({ error: { code, message: error.message } }))
    else this.surroundings.err(error.message)
  }

  /** Leaves the terminal as it was. */
  end(): void {
    this.#bar?.stop()
    this.#bar = null
  }
}

/** Bytes in the unit that people read. */
export function sizeText(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB']
  const power = Math.min(units.length - 1, Math.floor(Math.log(Math.max(1, bytes)) / Math.log(1024)))
  return `${(bytes / 1024 ** power).toFixed(power === 0 ? 0 : 1)} ${units[power]}`
}

export function timeText(timeMs: number): string {
  return new Date(timeMs).toISOString().replace('.000Z', 'Z')
}

function asJson(_: string, value: unknown): unknown {
  // Buffers have a `toJSON` of their own, which has run already.
  const { type, data } = (value ?? {}) as { type?: string; data?: number[] }
  if (type === 'Buffer' && Array.isArray(data)) return hex(data)
  return value instanceof Uint8Array ? hex([...value]) : value
}

function hex(bytes: readonly number[]): string {
  return bytes.map((byte) => byte.toString(16).padStart(2, '0')).join('')
}
