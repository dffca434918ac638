/** An object is named by a commit so soon after it was uploaded, or never, in ms by the archiver's clock. */
export const UNNAMED_MS: number = 12 * 60 * 60 * 1000

/** What no commit names is removed only when it is older, in ms by the store's clock: the clocks may run apart by half of it. */
export const LEAST_AGE_MS: number = 2 * UNNAMED_MS

/** A commit that was left open is put again so long, in ms by the archiver's clock: with the age of what it names that is less than what is removed. */
export const OPEN_MS: number = UNNAMED_MS / 2
