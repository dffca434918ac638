import b4a from 'b4a'
import { badArgument } from '../arguments.ts'
import { hash } from '../crypto/crypto.ts'
import { KeyRotationError } from '../errors.ts'
import { MAX_EVENTS, tooManyEvents } from '../format/chain.ts'
import { MAX_EVENT_BYTES } from '../format/event.ts'
import { firstDifference } from '../memory/difference.ts'
import type { MemoryStore } from '../memory/types.ts'
import { eventsOf } from '../verify.ts'

const FIELD = 'cloudpal-key-rotation-memory'
const NAME_BYTES = 8
const NOTHING: Uint8Array = new Uint8Array(0)

/** What is needed of a core to keep a memory: a Hypercore fits. */
export interface UserDataLike {
  ready(): Promise<void>
  getUserData(key: string): Promise<Uint8Array | null>
  setUserData(key: string, value: Uint8Array): Promise<void>
}

/** What is needed of a core to keep a chain in it: a Hypercore fits. */
export interface ChainCoreLike {
  ready(): Promise<void>
  readonly length: number
  readonly writable: boolean
  get(index: number, options?: object): Promise<unknown>
  append(blocks: readonly Uint8Array[]): Promise<unknown>
}

/**
 * A memory beside the blocks of a Hypercore, on this device only: it is not replicated. What is added is kept in parts, so that an event costs what it has
 * itself. Borrows the core.
 */
export function coreMemory(core: UserDataLike): MemoryStore {
  let whole = NOTHING
  let count = 0
  const partAt = async (place: number, name: Uint8Array): Promise<Uint8Array | null> => {
    const part = await core.getUserData(keyOf(place))
    // Each says of which whole it is: those of the one before stay till others take their place, and count for nothing.
    const isOfIt = part !== null && b4a.equals(part.subarray(0, NAME_BYTES), name)
    return isOfIt ? part.subarray(NAME_BYTES) : null
  }
  return {
    read: async () => {
      await core.ready()
      const first = await core.getUserData(FIELD)
      if (first === null) return null
      whole = nameOf(first)
      const all = [first]
      for (let part; (part = await partAt(all.length - 1, whole)) !== null;) all.push(part)
      count = all.length - 1
      return b4a.concat(all)
    },
    write: async (bytes) => {
      await core.ready()
      const name = nameOf(bytes)
      if ((await partAt(0, name)) !== null) await core.setUserData(keyOf(0), NOTHING)
      await core.setUserData(FIELD, bytes)
      whole = name
      count = 0
    },
    append: async (bytes) => {
      await core.setUserData(keyOf(count), b4a.concat([whole, bytes]))
      count++
    }
  }
}

function keyOf(part: number): string {
  return `${FIELD}/${part}`
}

function nameOf(whole: Uint8Array): Uint8Array {
  return hash('memory', [whole]).subarray(0, NAME_BYTES)
}

/**
 * Brings a Hypercore up to a chain, block i being event i, so that others can replicate it. Any device may have such a core, under any key: what counts
 * is in the events.
 *
 * @returns how many events were appended
 * @throws KEY_ROTATION_FORKED when the core has another event already, KEY_ROTATION_MALFORMED for what is none, KEY_ROTATION_BAD_ARGUMENT for a core
 *   that is not writable
 */
export async function writeChain(
  core: ChainCoreLike,
  chain: Uint8Array | readonly Uint8Array[]
): Promise<number> {
  const events = eventsOf(chain)
  await core.ready()
  for (const [i, event] of events.slice(0, core.length).entries()) {
    const stored = await core.get(i)
    if (!(stored instanceof Uint8Array) || firstDifference([stored], [event]) === 0)
      throw new KeyRotationError('KEY_ROTATION_FORKED', `the core has another event ${i} than the chain`)
  }
  const fresh = events.slice(core.length)
  if (fresh.length === 0) return 0
  if (!core.writable) throw badArgument('this core cannot be written here')
  await core.append(fresh)
  return fresh.length
}

/**
 * The events in a core, to be verified.
 *
 * @param options - of Hypercore's `get`
 * @throws KEY_ROTATION_MALFORMED for what is none, KEY_ROTATION_TOO_LARGE for more, or a larger one, than a chain can have: no more is fetched then
 */
export async function readChain(
  core: Pick<ChainCoreLike, 'ready' | 'length' | 'get'>,
  options: { timeout?: number; wait?: boolean } = {}
): Promise<Uint8Array[]> {
  await core.ready()
  const events: Uint8Array[] = []
  for (let i = 0; i < core.length; i++) {
    if (core.length > MAX_EVENTS) throw tooManyEvents()
    const event = await core.get(i, options)
    if (!(event instanceof Uint8Array))
      throw new KeyRotationError('KEY_ROTATION_MALFORMED', `there is no event ${i}`)
    if (event.length > MAX_EVENT_BYTES)
      throw new KeyRotationError('KEY_ROTATION_TOO_LARGE', `block ${i} is larger than an event`)
    events.push(event)
  }
  return events
}
