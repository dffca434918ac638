/** A bug that the suite has to notice: one edit of one file of `src`. */
export interface Mutant {
  /** Unique; `--only` matches it. */
  name: string
  /** What is wrong then, in a line. */
  fault: string
  /** Below `src`. */
  file: string
  /** Occurs in the file exactly once. */
  find: string
  replace: string
  /** Whose red is expected. */
  caughtBy: {
    /** Below `test`. */
    file: string
    /** Regular expression over whole test names, as in `vitest -t`. */
    tests: string
    /** Examples of each property, in place of its own number. */
    runs?: number
  }
}

/** All of them, by area. */
export declare const mutants: readonly Mutant[]
