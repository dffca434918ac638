import type { Transaction } from '../merge/transaction.ts'
import { lengthAt } from '../merge/version-vector.ts'
import { collectChunk, installChunk, loadTouched } from './apply.ts'
import { appliedLength, currentMembership, mayChangeWalk } from './device-state.ts'
import type { OwnWrites } from './own-writes.ts'
import { MAX_TURNS_AHEAD, type Parts } from './parts.ts'
import { readBeyond } from './read-beyond.ts'
import { installPlan, planReevaluation } from './reevaluate.ts'

/** Merges what others wrote, and works out who is a member. Lets this device's own writes go before, as long as they may. */
export class Merging {
  readonly #parts: Parts
  readonly #writes: OwnWrites

  constructor(parts: Parts, writes: OwnWrites) {
    this.#parts = parts
    this.#writes = writes
  }

  /** @returns whether there was anything to apply */
  async applyNext(): Promise<boolean> {
    const chunk = await collectChunk(this.#parts.state)
    if (chunk === null) {
      // All that is here of removals first, so that they cost one look at the logs and not one each.
      while (await readBeyond(this.#parts.state)) await this.#writes.writeAhead()
      await this.#updateMembership()
      return true
    }
    if (chunk.transactions.length === 0) return false
    let touched = await loadTouched(chunk, this.#parts.view)
    for (let turns = 0; this.#writes.mayGoAhead && turns < MAX_TURNS_AHEAD; turns++) {
      await this.#writes.commitTurn()
      // What was loaded may be out of date, and in the view's store by now.
      touched = await loadTouched(chunk, this.#parts.view)
    }
    const changes = installChunk(chunk, touched, this.#parts.view, this.#parts.state)
    this.#noteReceived(chunk.transactions)
    await this.#parts.openMembers()
    this.#parts.announce(changes, false)
    await this.#parts.flusher.changed()
    return true
  }

  /** Works membership out anew; what this device's user asked for meanwhile is compared with the state before it. */
  async reevaluate(): Promise<void> {
    let plan = await planReevaluation(this.#parts.state, this.#parts.view)
    for (let turns = 0; this.#writes.mayGoAhead && turns < MAX_TURNS_AHEAD; turns++) {
      await this.#writes.commitTurn()
      plan = await planReevaluation(this.#parts.state, this.#parts.view)
    }
    const before = this.#parts.state.applied
    const changes = installPlan(plan, this.#parts.view, this.#parts.state)
    const grown = [...this.#parts.state.logs].filter(
      ([writer]) => appliedLength(this.#parts.state, writer) > lengthAt(before, writer)
    )
    this.#noteReceived(
      grown.map(
        ([
          writer,
          {
            state: { ms, counter }
          }
        ]) => ({ writer, ms, counter })
      )
    )
    await this.#parts.openMembers()
    this.#parts.announce(changes, false)
    await this.#parts.flusher.changed()
  }

  /** More of a log is here than when membership was last worked out: something may be ready that was not. */
  async walkAgain(): Promise<boolean> {
    return mayChangeWalk(this.#parts.state) && (await this.#updateMembership())
  }

  /** @returns whether it changed */
  async #updateMembership(): Promise<boolean> {
    const { state } = this.#parts
    const after = currentMembership(state)
    if (after.isSame(state.membership)) return false
    if (!after.extends(state.membership)) {
      await this.reevaluate()
      return true
    }
    state.membership = after
    await this.#parts.openMembers()
    this.#parts.announce([], false)
    return true
  }

  #noteReceived(times: readonly Pick<Transaction, 'writer' | 'ms' | 'counter'>[]): void {
    const { logs, self } = this.#parts.state
    // The last of each writer is its greatest.
    const latest = new Map(times.map((time) => [time.writer, time]))
    for (const { writer, ms, counter } of latest.values()) {
      const log = logs.get(writer)
      if (log === undefined) continue
      log.lastSeen = this.#parts.clock.now()
      const skewMs = writer === self ? 0 : this.#parts.clock.receive({ ms, counter })
      if (skewMs > 0 && log.skewMs === 0) this.#parts.host.onSkew(writer, skewMs)
      log.skewMs = skewMs
    }
  }
}
