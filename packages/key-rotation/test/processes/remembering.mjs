// Adds devices to an identity for ever, and remembers: prints the number of the last event each time that it is kept.
import { writeSync } from 'node:fs'
import Corestore from 'corestore'
import { coreMemory } from '../../dist/cores/index.js'
import { fileMemory } from './file-memory.mjs'
import { createKeyPair, IdentityMemory, requestToJoin, Sigchain } from '../../dist/index.js'

const [control, next] = [1, 2].map((seed) => createKeyPair(new Uint8Array(32).fill(seed)))
const first = Sigchain.incept(
  {
    control: { keys: [control.publicKey] },
    next: { keys: [next.publicKey] },
    signers: [control],
    salt: new Uint8Array(16)
  },
  { now: () => 1_767_225_600_000 }
)
const { identity } = first.state
const [, , dir, most] = process.argv
const inCore = () => coreMemory(new Corestore(dir).get({ name: 'memory' }))
const store = most === undefined ? inCore() : fileMemory(`${dir}/memory`, Number(most))
const memory = await IdentityMemory.open(store, identity, first.toBytes())
const chain = Sigchain.open(memory.events, { trusted: identity })
writeSync(1, `${Buffer.from(identity).toString('hex')}\n`)
for (;;) {
  const device = createKeyPair()
  chain.addDevice(requestToJoin(identity, device, { name: 'device' }), [control])
  await memory.receive(chain.events)
  writeSync(1, `${memory.state.seq}\n`)
}
