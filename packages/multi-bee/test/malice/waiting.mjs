// A device whose database has a member with so many transactions that wait for a block that never comes. Tells what it costs.
import b4a from 'b4a'
import { Engine } from '../../dist/engine/engine.js'
import { RocksViewStore } from '../../dist/view/rocks-view-store.js'
import { View } from '../../dist/view/view.js'

const [directory, size] = process.argv.slice(2)
const count = Number(size)

/** A log in memory; `block` makes what is not stored. */
function logOf(key, block = null) {
  const blocks = []
  return {
    key,
    blocks,
    length: 0,
    get available() {
      return Math.max(this.length, blocks.length)
    },
    get known() {
      return this.available
    },
    isOvertaken: false,
    fork: null,
    retire() {},
    async read(start, end) {
      return Array.from({ length: end - start }, (_, i) => block?.(start + i) ?? blocks[start + i])
    },
    async append(more) {
      blocks.push(...more)
    },
    fingerprint: async () => ({ fork: 0, treeHash: b4a.alloc(32) }),
    async close() {}
  }
}

const own = logOf(b4a.alloc(32, 1))
const other = b4a.alloc(32, 2)
const time = '00'.repeat(8)
// The first one claims 2^40 blocks of this device's log; all put a key.
const claim = b4a.from(
  `0100${time}01${b4a.toString(own.key, 'hex')}0101ff000000000001000001000161013100`.slice(0, -2),
  'hex'
)
const rest = b4a.from(`0100${time}00000100016b0131`, 'hex')
const hostile = logOf(other, (seq) => (seq === 0 ? claim : rest))

async function open() {
  const host = {
    openLog: async () => hostile,
    onChanges() {},
    onMembership() {},
    onSkew() {},
    async nextEpoch() {
      throw new Error('nothing speaks for a new log')
    },
    async onEpoch() {},
    async onFlush() {},
    onFailure(error) {
      throw error
    }
  }
  const view = new View(new RocksViewStore(directory))
  const origin = { first: own.key, self: own, epoch: null, generation: 'test', versionFloor: 0 }
  return Engine.open({ view, now: Date.now, host, ...origin })
}

let puts = 0
function put(engine) {
  const intent = { type: 'put', value: { document: true, bytes: b4a.from(String(puts++)) } }
  const writes = [{ key: b4a.from(`k${puts % 100}`), intent, base: null, compare: null }]
  return engine.submit({ type: 'write', writes, atomic: false })
}

/** Median and greatest time of puts while they are asked for, in ms. */
async function measure(engine, goesOn) {
  const times = []
  while (goesOn(times.length)) {
    const started = performance.now()
    await put(engine)
    times.push(performance.now() - started)
  }
  times.sort((a, b) => a - b)
  return { puts: times.length, median: times[times.length >> 1] ?? 0, worst: times.at(-1) ?? 0 }
}

function memory() {
  globalThis.gc?.()
  const { rss, heapUsed, external } = process.memoryUsage()
  return { rss, used: heapUsed + external }
}

let engine = await open()
const genesis = { type: 'genesis', deleteWins: false, ownerKey: null, name: '' }
await engine.submit({ type: 'membership', records: [genesis, { type: 'add', writer: other, name: '' }] })
const before = await measure(engine, (done) => done < 2000)
const memoryBefore = memory()
hostile.length = count
const log = engine.state.logs.get(engine.state.writers.find(other))
const started = performance.now()
engine.kick()
const during = await measure(engine, () => log.held < count)
await engine.settle()
const readMs = performance.now() - started
const after = await measure(engine, (done) => done < 2000)
const memoryAfter = memory()
const applied = engine.state.applied[log.state.table[0]] ?? 0
await engine.close()
const reopening = performance.now()
engine = await open()
const reopenMs = performance.now() - reopening
await engine.close()
process.send({ before, during, after, applied, memoryBefore, memoryAfter, readMs, reopenMs })
