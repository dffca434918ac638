import { Duplex, Writable } from 'streamx'
import type { Flow } from '../flow/flow.ts'
import { GatheredBytes } from '../gathered-bytes.ts'
import { keptBytes } from '../kept-bytes.ts'

/** How many times their length bytes may hold that are read soon: few wait then, and those of bulk need no copy. */
const MOST_HELD = 16

type Callback = (error: Error | null) => void

/** The raw stream below a connection: a {@link Flow} as a streamx duplex. */
export class Carrier extends Duplex {
  readonly #flow: Flow
  readonly #onclosed: (finished: boolean) => void
  #onroom: Callback | null = null
  #onfinal: Callback | null = null
  /** What came while the stream was full. */
  readonly #gathered = new GatheredBytes()
  #untaken = 0
  /** By how much was written before: when that much was taken. */
  #flushes: { readonly written: number; readonly done: (isTaken: boolean) => void }[] = []

  /** @param onclosed - told once it is over: whether both directions came to their end, and all was read */
  constructor(flow: Flow, onclosed: (finished: boolean) => void) {
    super()
    this.#flow = flow
    this.#onclosed = onclosed
    // The last of it is not asked for any more.
    this.once('end', () => this.#took(this.#untaken))
  }

  /** The next bytes have come. */
  deliver(bytes: Uint8Array): void {
    if (this.destroying) return
    if (this.#untaken > 0) this.#gathered.add(bytes)
    else if (this.push(keptBytes(bytes, MOST_HELD))) return this.#flow.took(bytes.length)
    this.#untaken += bytes.length
  }

  /** No more will come. */
  finish(): void {
    this.#pass()
    this.push(null)
  }

  /** The flow has room, or all that was written was taken. */
  roomed(): void {
    if (this.#flow.hasRoom) call(this.#onroom, () => (this.#onroom = null))
    if (this.#flow.allTaken) call(this.#onfinal, () => (this.#onfinal = null))
    const taken = this.#flow.written - this.#flow.heldBytes
    for (const { written, done } of this.#flushes) if (written <= taken) done(true)
    this.#flushes = this.#flushes.filter(({ written }) => written > taken)
  }

  /** secret-stream asks for it, as of a UDX stream. @returns whether the other side has taken all that was written by now */
  async flush(): Promise<boolean> {
    if ((await Writable.drained(this)) !== true || this.destroying) return false
    return new Promise((done) => {
      this.#flushes.push({ written: this.#flow.written, done })
      this.roomed()
    })
  }

  override _write(data: Uint8Array, done: Callback): void {
    if (data.length > 0) this.#flow.write(data)
    if (this.#flow.hasRoom) done(null)
    else this.#onroom = done
  }

  override _final(done: Callback): void {
    this.#onfinal = done
    this.#flow.finish()
    this.roomed()
  }

  override _read(done: Callback): void {
    // What comes into the stream now is taken when that asks again.
    const taken = this.#untaken - this.#gathered.bytes
    this.#pass()
    this.#took(taken)
    done(null)
  }

  override _predestroy(): void {
    const waiting = [this.#onroom, this.#onfinal]
    this.#onroom = this.#onfinal = null
    for (const done of waiting) done?.(new Error('the stream was destroyed'))
    for (const { done } of this.#flushes) done(false)
    this.#flushes = []
  }

  override _destroy(done: Callback): void {
    this.#onclosed(this.#flow.finished)
    done(null)
  }

  #pass(): void {
    for (const part of this.#gathered.take()) this.push(part)
  }

  #took(bytes: number): void {
    this.#untaken -= bytes
    if (bytes > 0) this.#flow.took(bytes)
  }
}

function call(waiting: Callback | null, clear: () => void): void {
  if (waiting === null) return
  clear()
  waiting(null)
}
