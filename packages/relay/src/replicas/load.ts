/** What a replica has in use, and what it can bear. */
export interface Usage {
  sessions: number
  maxSessions: number
  bytesPerSecond: number
  maxBytesPerSecond: number
}

/** The load of a heartbeat: the scarcest of what there is. 0 is idle, 1 is full; a bound of 0 is full whatever is in use, and so is what is not known (NaN). */
export function loadOf({ sessions, maxSessions, bytesPerSecond, maxBytesPerSecond }: Usage): number {
  const share = (used: number, bound: number): number => (bound > 0 ? used / bound : 1)
  const load = Math.max(share(sessions, maxSessions), share(bytesPerSecond, maxBytesPerSecond))
  return Number.isNaN(load) ? 1 : load
}
