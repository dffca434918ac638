export const CONNECT_TIMEOUT_MS = 500
/** One way. */
export const MAX_LATENCY_MS = 40
