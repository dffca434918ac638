import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { until } from '@cloudpal/test-kit'

const DEVICE = fileURLToPath(new URL('device.mjs', import.meta.url))

/** What a device's process is started with. Keys are hex. */
export interface DeviceOptions {
  directory: string
  key: string
  encryptionKey: string
  seed: number
  /** Which device, and which of its processes: names what it writes. */
  device: number
  session: number
  /** How much work it does at most. */
  budget: number
}

/** One line of a device's. */
export type Report =
  | { at: 'opening' | 'closing' | 'closed' | 'flushing' | 'flushed' | 'idle' }
  | { at: 'open'; version: number; port: number }
  | { at: 'acknowledged'; stamps: string[]; deleted: string[]; version: number }
  | { at: 'obeyed'; order: string }
  | { at: 'failure'; message: string }
  | { at: 'epoch'; reason: string }

/** What a device is told to do. `key` is a writer's, in hex. */
export type Order = { connect: number } | { do: 'add' | 'remove'; key: string } | { do: 'flush' | 'close' }

/** How a device's process ended. */
export interface Ending {
  code: number | null
  signal: string | null
  stderr: string
}

/** A running device. Reports arrive in order; all of them have arrived when it has ended. */
export class DeviceProcess {
  readonly ended: Promise<Ending>
  readonly #child: ChildProcess

  constructor(options: DeviceOptions, onReport: (report: Report) => void) {
    const child = spawn(process.execPath, [DEVICE, JSON.stringify(options)], {
      stdio: ['pipe', 'pipe', 'pipe']
    })
    this.#child = child
    // Orders may come too late.
    child.stdin.on('error', () => {})
    let stderr = ''
    child.stderr.on('data', (data) => (stderr += data))
    const lines = createInterface({ input: child.stdout })
    lines.on('line', (line) => {
      const report = parse(line)
      if (report !== null) onReport(report)
    })
    const read = new Promise((resolve) => lines.once('close', resolve))
    this.ended = new Promise((resolve, reject) => {
      child.once('error', reject)
      child.once('close', (code, signal) => void read.then(() => resolve({ code, signal, stderr })))
    })
  }

  order(order: Order): void {
    this.#child.stdin?.write(`${JSON.stringify(order)}\n`)
  }

  /** Stops it where it is, all threads of it. Not on Windows. */
  async pause(): Promise<void> {
    this.#child.kill('SIGSTOP')
    const state = (): string =>
      spawnSync('ps', ['-o', 'stat=', '-p', String(this.#child.pid)], { encoding: 'utf8' }).stdout
    await until(() => state().startsWith('T'), { message: 'the process to stop' })
  }

  resume(): void {
    this.#child.kill('SIGCONT')
  }

  /** At once, whatever it is doing. */
  kill(): void {
    this.#child.kill('SIGKILL')
  }
}

/** The last line of a process that was killed may be cut off: it was not said. */
function parse(line: string): Report | null {
  try {
    return JSON.parse(line) as Report
  } catch {
    return null
  }
}
