import { monotonic } from '../monotonic.ts'
import type { Line } from '../paths/line.ts'
import type { PathInfo, PathKind } from '../paths/path.ts'
import { Liveness, type LivenessTimes } from './liveness.ts'
import type { LeftPaths } from './left-paths.ts'
import { PathSeal } from './path-seal.ts'

/** Lower is better. */
const RANKS: Record<PathKind, number> = { tcp: 1, udp: 2, relay: 3 }

/** What a session knows of one of its paths: it seals what goes out, proves what comes, and sees whether it is alive. It owns the path. */
export class SessionPath {
  readonly liveness: Liveness
  readonly #line: Line
  readonly #seal: PathSeal
  #retirement: unknown = null

  constructor(line: Line, seal: PathSeal, times: LivenessTimes) {
    this.#line = line
    this.#seal = seal
    this.liveness = new Liveness(times, monotonic())
  }

  /** Lower is better. */
  get rank(): number {
    return RANKS[this.#line.path.kind]
  }

  get info(): PathInfo {
    const { kind, relay, transport } = this.#line.path
    return { kind, relay, transport }
  }

  /** @returns false when it is full */
  send(head: Uint8Array, bytes?: Uint8Array): boolean {
    this.liveness.sent(monotonic())
    return this.#line.path.send(this.#seal.seal(head, bytes))
  }

  /** @returns what came, as it was sent; `null` for what the other side did not send as the next thing here */
  open(message: Uint8Array): { readonly head: Uint8Array; readonly bytes: Uint8Array } | null {
    const frame = this.#seal.open(message)
    if (frame !== null) this.liveness.heard(monotonic())
    return frame
  }

  /** This side has said its last on it. @param onlate - called where the other one does not within so long */
  retired(withinMs: number, onlate: () => void): void {
    this.#retirement = setTimeout(onlate, withinMs)
  }

  /** It is not used any more. @param left - owns it from now on */
  leave(left: LeftPaths): void {
    clearTimeout(this.#retirement)
    left.add(this.#line)
  }
}
