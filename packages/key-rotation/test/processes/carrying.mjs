// Carries blocks of an old core into a new one, and prints a line when it begins and when it is done.
import { writeSync } from 'node:fs'
import Corestore from 'corestore'
import { carryBlocks, endOf, planRoll, startRoll } from '../../dist/cores/index.js'
import { createKeyPair } from '../../dist/index.js'

const BLOCKS = 40_000

const store = new Corestore(process.argv[2])
const old = store.get({ name: 'old' })
await old.ready()
if (old.length < BLOCKS) await old.append(Array.from({ length: BLOCKS }, (_, i) => Buffer.from(`block ${i}`)))
const keyPair = createKeyPair(new Uint8Array(32).fill(1))
const plan = planRoll(await endOf(old, BLOCKS), { signers: [keyPair.publicKey] })
const core = await startRoll(store, plan, old, { keyPair })
const before = core.contiguousLength
writeSync(1, `${core.key.toString('hex')} ${before}\n`)
// The process may be killed in the middle of it: after the first piece, which the length tells. The next one takes many turns of the event loop.
let isOver = false
function look() {
  if (core.contiguousLength > before) process.kill(process.pid, 'SIGKILL')
  if (!isOver) setImmediate(look)
}
if (process.argv[3] === 'die') look()
await carryBlocks(old, core)
isOver = true
await store.close()
