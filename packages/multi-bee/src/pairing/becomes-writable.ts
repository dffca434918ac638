import { MultiBeeError } from '../errors.ts'
import type { SignalLike } from '../types.ts'

/** The part of a database that a join waits for. */
export interface Joining {
  readonly writable: boolean
  on(event: 'writable', listener: () => void): unknown
  off(event: 'writable', listener: () => void): unknown
}

/**
 * Waits until a member's record has made a device a writer.
 *
 * @throws MultiBeeError `MULTI_BEE_JOIN_ABORTED`
 */
export function becomesWritable(database: Joining, signal?: SignalLike): Promise<void> {
  return new Promise((resolve, reject) => {
    const done = (settle: () => void): void => {
      database.off('writable', onWritable)
      signal?.removeEventListener('abort', onAbort)
      settle()
    }
    const onWritable = (): void => done(resolve)
    const onAbort = (): void =>
      done(() => reject(new MultiBeeError('MULTI_BEE_JOIN_ABORTED', 'joining was cancelled')))
    database.on('writable', onWritable)
    signal?.addEventListener('abort', onAbort)
    if (database.writable) onWritable()
    else if (signal?.aborted) onAbort()
  })
}
