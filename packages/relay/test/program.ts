import { testCleanup, until } from '@cloudpal/test-kit'
import { run } from '../src/cli/program.ts'

/** A command line that runs in this process. */
export interface Program {
  readonly out: string[]
  readonly err: string[]
  readonly exit: Promise<number>
  /** As SIGHUP. */
  reload(): void
  /** As Ctrl-C. */
  stop(): void
  /** With `--json`: what it has said. */
  events(): Record<string, unknown>[]
  /** With `--json`: waits until it serves. */
  listening(): Promise<{
    publicKey: Uint8Array
    tcp: { host: string; port: number }
    wsPort: number
    udpPort: number
  }>
}

/** Runs one; it is stopped after the test. */
export function startProgram(words: string[], environment: Record<string, string> = {}): Program {
  const abort = new AbortController()
  const reloads: (() => void)[] = []
  const [out, err] = [[] as string[], [] as string[]]
  const exit = run(words, {
    out: (line) => out.push(...line.split('\n')),
    err: (line) => err.push(...line.split('\n')),
    environment,
    signal: abort.signal,
    onreload: (fn) => reloads.push(fn)
  })
  testCleanup().defer('network', async () => {
    abort.abort()
    await exit
  })
  const events = (): Record<string, unknown>[] =>
    out.map((line) => JSON.parse(line) as Record<string, unknown>)
  return {
    out,
    err,
    exit,
    events,
    reload: () => reloads.forEach((fn) => fn()),
    stop: () => abort.abort(),
    listening: async () => {
      await until(() => out.length + err.length > 0)
      if (err.length > 0) throw new Error(err.join('\n'))
      const first = events()[0]
      if (first?.['udp'] !== undefined)
        await until(() => events().some(({ event }) => event === 'udp listening'))
      const { key, tcp, ws, udp } = events()[0] as { key: string; tcp: number; ws: number; udp: number }
      return {
        publicKey: Buffer.from(key, 'hex'),
        tcp: { host: '127.0.0.1', port: tcp },
        wsPort: ws,
        udpPort: udp
      }
    }
  }
}
