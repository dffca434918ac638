import type { LogFork } from './fork-proof.ts'

/**
 * Why a device must not write on in its own log. `overtaken`: there is a longer copy, signed with its key, so this one is old.
 * `forked`: there is another copy, signed with its key, that differs. `copied`: its store was copied, and the original may live on.
 */
export type Doubt = 'overtaken' | 'forked' | 'copied'

/** One writer's op log as the engine needs it. */
export interface OpLog {
  /** 32 bytes. */
  readonly key: Uint8Array
  /** Blocks that can be read now, without a gap from the first. */
  readonly available: number
  /** Blocks that are known to exist somewhere. */
  readonly known: number
  /** Blocks `start` to `end`; all of them are below `available`. */
  read(start: number, end: number): Promise<Uint8Array[]>
  /** Another copy is longer than this one, which is a device's own and was written by nobody else. */
  readonly isOvertaken: boolean
  /** When another copy differs from this one, and is signed as well; of several such, where they part first. */
  readonly fork: LogFork | null
  /** Survives a killed process once resolved. All or nothing. @throws when it {@link isOvertaken} */
  append(blocks: readonly Uint8Array[]): Promise<void>
  /** Nothing is appended from now on: what others hold of it is followed, as with any other device's log. */
  retire(): void
  /** Root hash of the Merkle tree at that length, and the fork. */
  fingerprint(length: number): Promise<{ fork: number; treeHash: Uint8Array }>
  close(): Promise<void>
}
