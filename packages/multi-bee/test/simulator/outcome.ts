/** What happened in one run, or in several. */
export interface Outcome {
  steps: number
  /** Acknowledged. */
  writes: number
  /** Lost power at a storage write. */
  crashes: number
  restores: number
  epochs: number
  /** Copies of logs that were seen to differ from others. */
  forks: number
  removals: number
  /** Runs that ended with copies of a log nobody may cut: its writer was removed before, or nobody may write. */
  split: number
}
