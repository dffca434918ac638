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
// The process may be killed in the middle of it: a few pieces in, which the length tells.
const watch = setInterval(() => {
  if (core.contiguousLength > before && process.argv[3] === 'die') process.kill(process.pid, 'SIGKILL')
}, 0)
await carryBlocks(old, core)
clearInterval(watch)
await store.close()
