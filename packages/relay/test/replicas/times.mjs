// As src/client/options.ts has them.
/** How long a dial may take: who is asked and is not there says nothing. */
export const ATTEMPT_MS = 5_000
/** How long who is said to be dead may take to answer. */
export const DEAD_MS = 1_500
/** How long a ping may take that nobody has hurried. */
export const PONG_MS = 5_000
/** Between the pings of a device. */
export const KEEP_ALIVE_MS = 30_000
/** One way. */
export const MAX_LATENCY_MS = 40
