/** How a session keeps time; all in milliseconds. */
export interface SessionTimes {
  /** Silence on a path after which it is asked whether it is there, while the connection is in use. @defaultValue 500 */
  probeMs: number
  /** The same while the connection has been idle for a minute: a telephone's radio sleeps. @defaultValue 15,000 */
  idleProbeMs: number
  /** How long an answer may take before the path counts as dead. @defaultValue 1,500 */
  deadMs: number
  /** How long a session lasts that has no path. @defaultValue 30,000 */
  graceMs: number
}
