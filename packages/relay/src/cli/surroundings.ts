/** What a command line is run with; a test has its own. */
export interface Surroundings {
  /** Prints a line of the result, or of the log. */
  readonly out: (line: string) => void
  readonly err: (line: string) => void
  readonly environment: Readonly<Record<string, string | undefined>>
  /** Drains and ends: Ctrl-C. */
  readonly signal: { readonly aborted: boolean; addEventListener(event: 'abort', fn: () => void): void }
  /** Calls back when the file is to be read again: SIGHUP. */
  onreload(fn: () => void): void
}
