import type { DecodedEvent } from '../format/event.ts'

/**
 * Events whose signatures were found to be right at their place. An event names the one before, and so all that its signers follow from: they stay right for
 * good.
 */
const verified = new WeakSet<DecodedEvent>()

/** Says that an event comes from a chain that was verified before. */
export function markVerified(event: DecodedEvent): DecodedEvent {
  verified.add(event)
  return event
}

export function isVerified(event: DecodedEvent): boolean {
  return verified.has(event)
}
