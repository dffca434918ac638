import { DeviceProcess, type Ending, type Report } from './device-process.ts'
import type { Fate } from './fate.ts'
import type { Ledger } from './ledger.ts'
import { afterMicroseconds } from './wait.ts'

/** A device as the runner knows it. Keys are hex. */
export interface Device {
  index: number
  directory: string
  writer: string
  /** Processes it has had. */
  sessions: number
  ledger: Ledger
}

/** A change of membership that one of the devices is told to make. */
export interface MemberChange {
  by: Device
  do: 'add' | 'remove'
  key: string
}

export interface GenerationPlan {
  devices: readonly Device[]
  fates: readonly Fate[]
  change: MemberChange | null
  seed: number
  budget: number
  key: string
  encryptionKey: string
}

/** A process that is running, and how far it is from its end. */
interface Living {
  device: Device
  fate: Fate
  process: DeviceProcess
  acknowledged: number
  port: number | null
  isIdle: boolean
  /** It was told to do what it is to be killed at, or to end. */
  isTold: boolean
  isKilled: boolean
}

/** Devices run at once, connected over loopback, until each has met its fate. */
export class Generation {
  kills = 0
  /** What should not have happened. */
  readonly problems: string[] = []
  readonly #plan: GenerationPlan
  readonly #living = new Set<Living>()
  #change: MemberChange | null

  constructor(plan: GenerationPlan) {
    this.#plan = plan
    this.#change = plan.change
  }

  async run(): Promise<void> {
    const { devices, fates, seed, budget, key, encryptionKey } = this.#plan
    const endings = devices.map(async (device, i) => {
      const options = {
        directory: device.directory,
        key,
        encryptionKey,
        seed: seed + i,
        device: device.index,
        session: device.sessions++,
        budget
      }
      const living: Living = {
        device,
        fate: fates[i] as Fate,
        process: new DeviceProcess(options, (report) => this.#hear(living, report)),
        acknowledged: 0,
        port: null,
        isIdle: false,
        isTold: false,
        isKilled: false
      }
      this.#living.add(living)
      this.#note(living, await living.process.ended)
    })
    await Promise.all(endings)
  }

  #hear(living: Living, report: Report): void {
    const { device, fate } = living
    living.isIdle = report.at === 'idle'
    switch (report.at) {
      case 'opening':
        if (fate.moment === 'open') this.#killSoon(living)
        break
      case 'open':
        this.#problem(living, device.ledger.opened(report.version))
        this.#connect(living, report.port)
        break
      case 'acknowledged':
        living.acknowledged++
        device.ledger.acknowledge(report)
        if (living.acknowledged >= fate.after) this.#meet(living)
        break
      case 'closing':
        if (fate.moment === 'close' && living.isTold) this.#killSoon(living)
        break
      case 'flushing':
        if (fate.moment === 'flush' && living.isTold) this.#killSoon(living)
        break
      case 'failure':
        this.#problem(living, `failed in the background: ${report.message}`)
        break
      case 'epoch':
        this.#problem(living, `goes on in a new log after nothing but kills: ${report.reason}`)
        break
      case 'idle':
        this.#endIfStill()
        break
    }
  }

  #meet(living: Living): void {
    const { moment } = living.fate
    if (moment === 'write') this.#killSoon(living)
    if ((moment !== 'close' && moment !== 'flush') || living.isTold) return
    living.isTold = true
    living.process.order({ do: moment })
  }

  #killSoon(living: Living): void {
    if (living.isKilled) return
    living.isKilled = true
    afterMicroseconds(living.fate.delayUs, () => living.process.kill())
  }

  /** Whoever opens later dials those who are there. */
  #connect(living: Living, port: number): void {
    living.port = port
    for (const other of this.#living) {
      if (other !== living && other.port !== null) living.process.order({ connect: other.port })
    }
    if (this.#change?.by !== living.device) return
    living.process.order({ do: this.#change.do, key: this.#change.key })
    this.#change = null
  }

  #note(living: Living, { code, signal, stderr }: Ending): void {
    this.#living.delete(living)
    if (signal === 'SIGKILL') this.kills++
    else if (code !== 0) this.#problem(living, `ended with ${code ?? signal}: ${stderr}`)
    this.#endIfStill()
  }

  /** Nobody is left who is to be killed, or nobody has anything left to do. */
  #endIfStill(): void {
    const living = [...this.#living].filter((one) => !one.isKilled)
    const waiting = living.filter(({ fate }) => fate.moment !== 'stay')
    if (waiting.length > 0 && !living.every(({ isIdle }) => isIdle)) return
    if (waiting.length > 0) {
      for (const one of waiting) this.#killSoon(one)
      return
    }
    for (const one of living) {
      if (one.fate.killed) this.#killSoon(one)
      else if (!one.isTold) one.process.order({ do: 'close' })
      one.isTold = true
    }
  }

  #problem({ device }: Living, text: string | null): void {
    if (text !== null) this.problems.push(`device ${device.index}, session ${device.sessions - 1}: ${text}`)
  }
}
