import type Corestore from 'corestore'
import type Hypercore from 'hypercore'
import { endOf, lineageEncryption, planRoll, type RolledCore, startRoll } from '../src/cores/index.ts'
import { createKeyPair, type KeyPair, resolve, type Sigchain } from '../src/index.ts'
import { ada, keyPairs } from './people.ts'

export function texts(start: number, end: number): Buffer[] {
  return Array.from({ length: end - start }, (_, i) => Buffer.from(`block ${start + i}`))
}

export async function filled(
  store: Corestore,
  name: string,
  length: number,
  options: object = {}
): Promise<Hypercore> {
  const core = store.get({ name, ...options })
  await core.ready()
  for (let at = 0; at < length; at += 10_000) await core.append(texts(at, Math.min(length, at + 10_000)))
  return core
}

/** What a core says below this package. */
export function hypercore(core: RolledCore): Hypercore {
  return core as unknown as Hypercore
}

/** Moves a name to a new core of a fresh key pair, with the identity's consent. */
export async function roll(
  store: Corestore,
  chain: Sigchain,
  name: string,
  from: Hypercore,
  options: {
    length?: number
    encryptionKey?: Uint8Array
    keyPair?: KeyPair
    device?: Uint8Array
    signers?: readonly KeyPair[]
  } = {}
): Promise<RolledCore> {
  const { length = from.length, encryptionKey = null, keyPair = createKeyPair() } = options
  const { device = null, signers = keyPairs('control 0') } = options
  const plan = planRoll(await endOf(from, length), { signers: [keyPair.publicKey] })
  chain.rollCore({ device, rolls: [{ name, core: plan.core, previous: plan.previous }] }, signers)
  const lineage = resolve(chain.state, name)?.lineage ?? []
  const encryption = encryptionKey && lineageEncryption(lineage, encryptionKey)
  return startRoll(store, plan, from, { keyPair, encryption })
}

/** An identity with a name for a core. */
export function named(name: string, core: Hypercore): Sigchain {
  const chain = ada()
  chain.rollCore({ rolls: [{ name, core: core.key as Uint8Array, previous: null }] }, keyPairs('control 0'))
  return chain
}
