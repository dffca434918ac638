import { random } from './random.mjs'

/** Keys that all devices write. */
const SHARED = Array.from({ length: 8 }, (_, i) => `shared/${i}`)
const FIELDS = ['a', 'b', 'c']

/** How often each kind of work is done. */
const WORK = /** @type {const} */ ([
  ...Array(12).fill('put'),
  ...Array(8).fill('inFlight'),
  ...Array(8).fill('batch'),
  ...Array(10).fill('update'),
  ...Array(6).fill('remove'),
  ...Array(4).fill('flush'),
  'bigBatch',
  'scan',
  'reopen'
])

/**
 * What one device does until it is told to close. Every value it puts has a stamp of its own, which can be found again in its log:
 * the device, the session, a number, and for a batch how many belong together.
 */
export class Load {
  #device
  #report
  #random
  #prefix
  #left
  #count = 0
  /** Entries that only this session writes, and that were acknowledged. */
  #own = []
  /** What it was told to do next. */
  #orders = []
  #wake = () => {}

  /**
   * @param {{ db: any, open(): Promise<void>, close(): Promise<void> }} device
   * @param {{ seed: number, device: number, session: number, budget: number }} options
   * @param {(report: any) => void} report
   */
  constructor(device, { seed, device: name, session, budget }, report) {
    this.#device = device
    this.#report = report
    this.#random = random(seed)
    this.#prefix = `${name}.${session}`
    this.#left = budget
  }

  /** @param {{ do: 'add' | 'remove' | 'flush' | 'close', key?: string }} order */
  order(order) {
    this.#orders.push(order)
    this.#wake()
  }

  async run() {
    for (;;) {
      const order = this.#orders.shift()
      if (order?.do === 'close') return
      try {
        if (order !== undefined) await this.#obey(order)
        else if (this.#left-- > 0 && this.#device.db.writable) await this.#work()
        else await this.#rest()
      } catch (error) {
        // It was removed meanwhile, or what it builds on was taken back.
        if (error?.code !== 'MULTI_BEE_NOT_WRITABLE') throw error
        await this.#rest()
      }
    }
  }

  /** Until there is an order, or it may write again. */
  async #rest() {
    this.#report({ at: 'idle' })
    if (this.#orders.length > 0) return
    await new Promise((resolve) => {
      this.#wake = resolve
      if (this.#left > 0) this.#device.db.once('writable', resolve)
    })
  }

  async #obey({ do: what, key }) {
    const { db } = this.#device
    if (what === 'add') await db.addWriter(Buffer.from(key, 'hex'), { name: 'guest' })
    if (what === 'remove') await db.removeWriter(Buffer.from(key, 'hex'))
    if (what === 'flush') await this.#flush()
    this.#report({ at: 'obeyed', order: what })
  }

  async #work() {
    switch (this.#random.pick(WORK)) {
      case 'put':
        return this.#put()
      case 'inFlight':
        return this.#inFlight()
      case 'batch':
        return this.#batch(this.#random.integer(2, 8), 20)
      case 'bigBatch':
        // More than a MiB: a chain of blocks.
        return this.#batch(4, 400_000)
      case 'update':
        return this.#update()
      case 'remove':
        return this.#remove()
      case 'flush':
        return this.#flush()
      case 'scan':
        for await (const { key } of this.#device.db.createReadStream()) if (key === '') return
        return
      case 'reopen':
        await this.#device.close()
        return this.#device.open()
    }
  }

  async #put() {
    const stamp = this.#stamp()
    const value = Object.fromEntries(FIELDS.map((name) => [name, this.#random.integer(0, 3)]))
    await this.#device.db.put(this.#random.pick(SHARED), { ...value, stamp })
    this.#acknowledge([stamp])
  }

  async #inFlight() {
    const puts = Array.from({ length: this.#random.integer(1, 12) }, async () => {
      const stamp = this.#stamp()
      const key = `own/${stamp}`
      await this.#device.db.put(key, { stamp })
      this.#acknowledge([stamp])
      this.#own.push(key)
    })
    await Promise.all(puts)
  }

  /** All of it is one transaction, or nothing is. */
  async #batch(size, length) {
    const batch = this.#device.db.batch()
    const number = this.#count++
    const stamps = Array.from({ length: size }, (_, i) => `<${this.#prefix}.${number}:${i + 1}/${size}>`)
    const shared = this.#random.pick(SHARED)
    for (const [i, stamp] of stamps.entries())
      await batch.put(i === 0 ? shared : `batch/${this.#prefix}.${number}/${i}`, {
        stamp,
        text: String(i).repeat(i === 0 ? 1 : length)
      })
    await batch.flush()
    this.#acknowledge(stamps)
  }

  async #update() {
    const stamp = this.#stamp()
    const field = this.#random.pick(FIELDS)
    await this.#device.db.update(this.#random.pick(SHARED), (value) => ({
      ...value,
      [field]: this.#random.integer(0, 3),
      nested: { ...value?.nested, [field]: stamp }
    }))
    this.#acknowledge([stamp])
  }

  async #remove() {
    const { db } = this.#device
    const own = this.#own.shift()
    if (own === undefined || this.#random.float() < 0.3) {
      await db.del(this.#random.pick(SHARED))
      this.#acknowledge([])
    } else {
      await db.del(own)
      this.#acknowledge([], [own])
    }
  }

  async #flush() {
    this.#report({ at: 'flushing' })
    await this.#device.db.flush()
    this.#report({ at: 'flushed' })
  }

  #acknowledge(stamps, deleted = []) {
    this.#report({ at: 'acknowledged', stamps, deleted, version: this.#device.db.version })
  }

  #stamp() {
    return `<${this.#prefix}.${this.#count++}>`
  }
}
