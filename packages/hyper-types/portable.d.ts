// Globals that Node, Electron and Bare 1.31 all have. Anything else must be imported or injected.
// Every declaration here merges with @types/node, so a test project may include both.

declare function setTimeout(fn: () => void, ms?: number): unknown
declare function clearTimeout(timer: unknown): void
declare function setInterval(fn: () => void, ms?: number): unknown
declare function clearInterval(timer: unknown): void
declare function queueMicrotask(fn: () => void): void

interface Console {
  log(...args: unknown[]): void
  warn(...args: unknown[]): void
  error(...args: unknown[]): void
}
declare var console: Console

/** Only the type, because streamx names it in an option; Bare has no such value. */
interface AbortSignal {
  readonly aborted: boolean
}

// ready-resource's own types import 'events'. A pattern, not a name: an exact declaration wins over
// a pattern, so where @types/node is present its module is used and the two do not clash.
declare module 'events*' {
  export class EventEmitter {
    on(event: string | symbol, fn: (...args: never[]) => void): this
    once(event: string | symbol, fn: (...args: never[]) => void): this
    off(event: string | symbol, fn: (...args: never[]) => void): this
    emit(event: string | symbol, ...args: unknown[]): boolean
  }
}
