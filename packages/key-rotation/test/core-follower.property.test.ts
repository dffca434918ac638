import { Cleanup, replicate, tmpStore, until } from '@cloudpal/test-kit'
import type Corestore from 'corestore'
import fc from 'fast-check'
import type Hypercore from 'hypercore'
import { expect, test } from 'vitest'
import {
  carryBlocks,
  CoreFollower,
  endOf,
  lineageEncryption,
  planRoll,
  startRoll
} from '../src/cores/index.ts'
import { resolve, type Sigchain } from '../src/index.ts'
import { ada, addDevice, bytesOf, keyPair, keyPairs } from './people.ts'
import { hypercore, roll } from './rolls.ts'

type Step =
  | { readonly type: 'append'; readonly count: number }
  | { readonly type: 'steal'; readonly count: number }
  | { readonly type: 'roll' | 'take' | 'falsify' | 'takeBack' | 'putRight'; readonly back: number }
  | { readonly type: 'read'; readonly most: number }
  | { readonly type: 'update' }
  | { readonly type: 'carry' }
  | { readonly type: 'restart' }

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({ type: fc.constant('append'), count: fc.integer({ min: 1, max: 20 }) })
  },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('steal'), count: fc.integer({ min: 1, max: 5 }) }) },
  {
    weight: 4,
    arbitrary: fc.record({
      type: fc.constantFrom('roll', 'take', 'falsify', 'takeBack', 'putRight'),
      back: fc.nat(12)
    })
  },
  { weight: 3, arbitrary: fc.record({ type: fc.constant('read'), most: fc.integer({ min: 1, max: 40 }) }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('update') }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('carry') }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('restart') }) }
) as fc.Arbitrary<Step>

/** What is rare among steps at random: blocks of a thief's core are read, and then it is one of the name's no more. */
const theft: fc.Arbitrary<Step[]> = fc
  .record({
    how: fc.constantFrom('take', 'take', 'falsify'),
    cut: fc.nat(12),
    count: fc.integer({ min: 1, max: 20 }),
    most: fc.integer({ min: 1, max: 40 }),
    between: step,
    type: fc.constantFrom('takeBack', 'putRight'),
    back: fc.nat(12)
  })
  .map(({ how, cut, count, most, between, type, back }): Step[] => [
    { type: how, back: cut },
    { type: 'append', count },
    { type: 'update' },
    { type: 'read', most },
    between,
    { type, back }
  ])

const steps: fc.Arbitrary<Step[]> = fc
  .array(fc.oneof({ weight: 3, arbitrary: fc.tuple(step) }, { weight: 1, arbitrary: theft }), {
    maxLength: 15
  })
  .map((parts) => parts.flat())

/** A core, and all that was ever written to it, or to those before it up to where it goes on. */
interface Written {
  readonly core: Hypercore
  readonly blocks: string[]
}

/** A name that a device writes, a stolen admin takes over, and the identity's keys take back. */
class World {
  readonly first: Written
  readonly chain: Sigchain = ada()
  readonly #store: Corestore
  readonly #encryptionKey: Uint8Array | null
  readonly #phone: Uint8Array
  readonly #puppet: Uint8Array
  /** The newest that the identity's own keys have named. */
  #own: Written
  /** Where they have said that it ends, for good. */
  #ownEnd: number | null = null
  #current: Written
  /** Where the current one ends: it was put right, and nothing goes on from it yet. */
  #end: number | null = null
  #count = 0
  #revocations = 0

  private constructor(store: Corestore, encryptionKey: Uint8Array | null, core: Hypercore) {
    this.#store = store
    this.#encryptionKey = encryptionKey
    addDevice(this.chain, 'stolen', 'admin')
    this.#phone = addDevice(this.chain, 'phone')
    this.#puppet = addDevice(this.chain, 'puppet', 'writer', keyPairs('stolen'))
    const rolls = [{ name: 'notes', core: core.key as Uint8Array, previous: null }]
    this.chain.rollCore({ device: this.#phone, rolls }, keyPairs('control 0'))
    this.first = { core, blocks: [] }
    this.#own = this.first
    this.#current = this.first
  }

  static async create(store: Corestore, encryptionKey: Uint8Array | null): Promise<World> {
    const core = store.get({ name: 'notes', encryption: encryptionKey && { key: encryptionKey } })
    await core.ready()
    const world = new World(store, encryptionKey, core)
    await world.append(1)
    return world
  }

  /** What counts. */
  get is(): readonly string[] {
    return this.#current.blocks.slice(0, this.#end ?? Infinity)
  }

  async append(count: number, { core, blocks }: Written = this.#current): Promise<void> {
    const added = Array.from({ length: count }, () => String(this.#count++))
    await core.append(added)
    blocks.push(...added)
  }

  /** By the identity's keys, which so confirm whatever an admin has named before. */
  async roll(back: number): Promise<void> {
    this.#own = await this.#goOn(this.#current, this.#end ?? this.#lengthOf(this.#current, back))
    this.#ownEnd = null
  }

  /** By the admin, to a core of its puppet's. Where a core has an end already it has no other to give. */
  async take(back: number): Promise<void> {
    await this.#goOn(this.#current, this.#end ?? this.#lengthOf(this.#current, back), true)
  }

  /** The same, with a beginning of the thief's own. Where a core has an end it can only go on from there. */
  async falsify(back: number): Promise<void> {
    const { core } = this.#current
    if (this.chain.state.cutOffs.has(Buffer.from(core.key as Uint8Array).toString('hex'))) return
    const length = this.#lengthOf(this.#current, back)
    const lineage = resolve(this.chain.state, 'notes')?.lineage ?? []
    const encryption = this.#encryptionKey && lineageEncryption(lineage, this.#encryptionKey)
    const other = this.#store.get({ name: `other ${this.#count}`, encryption })
    const written: Written = { core: other, blocks: [] }
    await this.append(length, written)
    const plan = planRoll(
      { ...(await endOf(other)), core: core.key as Uint8Array },
      { signers: [this.#puppet] }
    )
    const rolls = [{ name: 'notes', core: plan.core, previous: plan.previous }]
    this.chain.rollCore({ device: this.#puppet, rolls }, keyPairs('stolen', 'puppet'))
    const next = resolve(this.chain.state, 'notes')?.lineage ?? []
    const rolled = await startRoll(this.#store, plan, other, {
      keyPair: keyPair('puppet'),
      encryption: this.#encryptionKey && lineageEncryption(next, this.#encryptionKey)
    })
    await carryBlocks(other, rolled)
    this.#current = { core: hypercore(rolled), blocks: written.blocks }
  }

  /** By the identity's keys, from the core before all that admins have named. */
  async takeBack(back: number): Promise<void> {
    if (!this.#isTaken) return
    this.#own = await this.#goOn(this.#own, this.#ownEnd ?? this.#lengthOf(this.#own, back))
    this.#ownEnd = null
  }

  /** The same in two steps: now its end, and a core that goes on from there by whichever step comes. */
  async putRight(back: number): Promise<void> {
    if (!this.#isTaken || this.#ownEnd !== null) return
    const before = resolve(this.chain.state, 'notes')?.lineage.length
    const end = await endOf(this.#own.core, this.#lengthOf(this.#own, back))
    const device = addDevice(this.chain, `lost ${this.#revocations++}`)
    this.chain.revokeDevice(device, { reason: 'lost', cutOffs: [end] }, keyPairs('control 0'))
    this.#ownEnd = end.length
    // The same end once more takes nothing out of the name.
    if (resolve(this.chain.state, 'notes')?.lineage.length === before) return
    this.#current = this.#own
    this.#end = end.length
  }

  get #isTaken(): boolean {
    return this.#current !== this.#own
  }

  #lengthOf({ core }: Written, back: number): number {
    return Math.max(1, core.length - back)
  }

  async #goOn(from: Written, length: number, isThief = false): Promise<Written> {
    const encryptionKey = this.#encryptionKey ?? undefined
    const rolled = await roll(this.#store, this.chain, 'notes', from.core, {
      length,
      ...(encryptionKey && { encryptionKey }),
      device: isThief ? this.#puppet : this.#phone,
      signers: isThief ? keyPairs('stolen', 'puppet') : keyPairs('control 0')
    })
    await carryBlocks(from.core, rolled)
    this.#current = { core: hypercore(rolled), blocks: from.blocks.slice(0, length) }
    this.#end = null
    return this.#current
  }
}

/** What a follower has in the end, having given back what was retracted. */
async function follow(
  steps: readonly Step[],
  encryptionKey: Uint8Array | null
): Promise<{ has: readonly string[]; is: readonly string[] }> {
  await using cleanup = new Cleanup()
  const [mine, theirs] = [await tmpStore({ cleanup }), await tmpStore({ cleanup })]
  const world = await World.create(mine, encryptionKey)
  replicate(mine, theirs, { cleanup })
  const options = { encryptionKey }
  let follower = new CoreFollower(theirs, 'notes', options)
  const has: string[] = []
  const update = async (): Promise<void> => {
    const retracted = await follower.update(world.chain.state)
    if (retracted !== null) has.splice(retracted.start, retracted.end - retracted.start)
  }
  const read = async (most: number): Promise<void> => {
    for (let i = 0; i < most; i++) {
      const next = await follower.next().catch(({ code }: { code?: string }) => code)
      if (typeof next === 'string') {
        expect(next).toBe('KEY_ROTATION_CORE_MISMATCH')
        // What was read is of another history.
        await update()
        continue
      }
      if (!next) return
      expect(next.index).toBe(has.length)
      has.push(String(next.block))
    }
  }
  await update()
  for (const one of steps) {
    if (one.type === 'append') await world.append(one.count)
    // Who has the first key writes on, whether that still counts or not.
    else if (one.type === 'steal') await world.append(one.count, world.first)
    else if (one.type === 'read') await read(one.most)
    else if (one.type === 'update') await update()
    else if (one.type === 'carry') await follower.carry()
    else if (one.type === 'restart') {
      const { position, core: at } = follower
      await follower.close()
      follower = new CoreFollower(theirs, 'notes', { ...options, position, core: at })
      await update()
    } else await world[one.type](one.back)
  }
  await update()
  const { is } = world
  // Of the last appends it may hear only now.
  await until(async () => {
    await read(Infinity)
    return has.length >= is.length
  })
  await follower.close()
  return { has, is }
}

test('whatever is written, stolen, rolled over, taken over by an admin and back, begun otherwise, read and restarted in between, a follower ends up with each block that counts, once', async () => {
  await fc.assert(
    fc.asyncProperty(steps, fc.boolean(), async (given, isEncrypted) => {
      const { has, is } = await follow(given, isEncrypted ? bytesOf(42) : null)
      expect(has).toEqual(is)
    }),
    { numRuns: 25 }
  )
})
