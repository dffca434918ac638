// Runs the built package under Bare, on real storage: `bare test/bare/smoke.mjs`. Prints one line; exits non-zero on failure.
import fs from 'bare-fs'
import os from 'bare-os'
import Corestore from 'corestore'
import * as cores from '../../dist/cores/index.js'
import { Authenticator } from '../../dist/connections/index.js'
import * as api from '../../dist/index.js'
import { checkVectors, makeVectors, same } from '../vectors/make.mjs'
import vectors from '../vectors/v1.json' with { type: 'json' }

/* global Bare */

const directory = `${os.tmpdir()}/key-rotation-smoke-${os.pid()}-${Date.now()}`

try {
  same('vectors', makeVectors(api), vectors)
  checkVectors(api, vectors)
  fs.mkdirSync(directory)
  const store = new Corestore(`${directory}/store`)
  const old = store.get({ name: 'notes' })
  await old.ready()
  await old.append(['one', 'two'].map((text) => Buffer.from(text)))
  const keyPair = api.createKeyPair()
  const plan = cores.planRoll(await cores.endOf(old), { signers: [keyPair.publicKey] })
  const core = await cores.startRoll(store, plan, old, { keyPair })
  same('carried', await cores.carryBlocks(old, core), 2)
  await core.append(Buffer.from('three'))
  same('read', (await core.get(1)).toString(), 'two')
  const memory = await api.IdentityMemory.open(
    cores.coreMemory(store.get({ name: 'memory' })),
    api.verify([fromFirst()], { trusted: api.decodeEvent(fromFirst()).hash }).state,
    [fromFirst()]
  )
  same('memory', memory.state.seq, 0)
  same('authenticator', new Authenticator(memory, keyPair).receipts, [])
  await store.close()
  console.log('key-rotation on Bare: wrote and read the vectors, rolled a core over, and remembered')
} catch (error) {
  console.error(error)
  Bare.exitCode = 1
} finally {
  fs.rmSync(directory, { recursive: true, force: true })
}

function fromFirst() {
  return Buffer.from(vectors.events[0], 'hex')
}
