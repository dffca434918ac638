import type { Refusal } from '../protocol/refusal.ts'

/** What happens on the plane, for metrics. Each is called after the fact; none may throw. */
export interface UdpObserver {
  /**
   * A device was turned away, or its connection ended by the relay. `device` is `null` before it has proven its key. Of a host that goes on knocking not more is
   * told than it hears itself.
   */
  refused?(why: Refusal, device: Uint8Array | null, host: string): void
  /** Somebody knocked who hears nothing any more. */
  ignored?(why: Refusal): void
  /** Two halves were joined. */
  paired?(): void
  /** Bytes carried since the last time, in both directions, headers included. */
  carried?(bytes: number): void
}
