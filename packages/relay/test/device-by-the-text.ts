import { connect } from 'node:net'
import { testCleanup, until } from '@cloudpal/test-kit'
import { NoiseByTheText, open, publicKeyOf, seal, type Split } from './noise-by-the-text.ts'

/** How its bytes go out. */
export interface Way {
  send(bytes: Uint8Array): void
  end(): void
}

const [HELLO, WELCOME, CONTROL, DATA] = [1, 2, 3, 4]

/** A device of the stream plane that is written from PROTOCOL.md, with nothing of src in it. */
export class DeviceByTheText {
  readonly publicKey: Buffer
  /** Control messages that have come and were not taken yet, opened. */
  readonly controls: Buffer[] = []
  readonly data: Buffer[] = []
  /** Payload of WELCOME. */
  welcome: Buffer | null = null
  closed = false
  readonly #noise: NoiseByTheText
  #way: Way | null = null
  #split: Split | null = null
  #sent = 0
  #received = 0
  #waiting: Buffer = Buffer.alloc(0)

  constructor(seed: Uint8Array, relay: Uint8Array) {
    this.publicKey = publicKeyOf(seed)
    this.#noise = new NoiseByTheText('cloudpal/relay/1/device-to-relay', seed, relay)
  }

  /** Says HELLO. */
  greet(way: Way, grant: Uint8Array = Buffer.alloc(0)): void {
    this.#way = way
    this.#frame(HELLO, this.#noise.send(Buffer.concat([Buffer.of(1), grant])))
  }

  /** Over TCP; resolves once there is an answer. */
  async greetOverTcp(port: number | null, grant?: Uint8Array): Promise<this> {
    const socket = connect(port ?? 0, '127.0.0.1')
    testCleanup().defer('stream', () => socket.destroy())
    socket.on('error', () => {}).on('close', () => (this.closed = true))
    socket.on('data', (chunk) => this.hear(chunk))
    this.greet({ send: (bytes) => void socket.write(bytes), end: () => void socket.end() }, grant)
    await until(() => this.welcome)
    return this
  }

  end(): void {
    this.#way?.end()
  }

  /** Says a control message. */
  say(message: Uint8Array): void {
    if (this.#split !== null) this.#frame(CONTROL, seal(this.#split.tx, this.#sent++, message))
  }

  carry(body: Uint8Array): void {
    this.#frame(DATA, body)
  }

  /** The next control message, in hex. */
  async next(): Promise<string> {
    await until(() => this.controls.length)
    return this.controls.shift()?.toString('hex') ?? ''
  }

  /** The next message of the other device. */
  async nextData(): Promise<Buffer> {
    await until(() => this.data.length)
    return this.data.shift() ?? Buffer.alloc(0)
  }

  /** Bytes have come, cut anywhere. */
  hear(chunk: Uint8Array): void {
    this.#waiting = Buffer.concat([this.#waiting, chunk])
    while (this.#waiting.length >= 4) {
      const end = 4 + this.#waiting.readUIntLE(1, 3)
      if (this.#waiting.length < end) return
      const [type, body] = [this.#waiting[0], this.#waiting.subarray(4, end)]
      this.#waiting = this.#waiting.subarray(end)
      if (type === WELCOME) {
        this.welcome = this.#noise.receive(body)
        this.#split = this.#noise.split()
      } else if (type === CONTROL && this.#split !== null)
        this.controls.push(open(this.#split.rx, this.#received++, body))
      else if (type === DATA) this.data.push(body)
      else throw new Error(`a relay does not say this: ${type}`)
    }
  }

  #frame(type: number, body: Uint8Array): void {
    const head = Buffer.alloc(4)
    head[0] = type
    head.writeUIntLE(body.length, 1, 3)
    this.#way?.send(Buffer.concat([head, body]))
  }
}
