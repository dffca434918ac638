/** How long a process may take until it says something: node reads some hundred files, on a machine that may have much else to do. */
export const STARTING: { readonly timeoutMs: number } = { timeoutMs: 60_000 }
