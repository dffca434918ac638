import { testCleanup, tmpStore, until } from '@cloudpal/test-kit'
import type Corestore from 'corestore'
import { expect } from 'vitest'
import { MultiBee, type MultiBeeErrorCode, type MultiBeeOptions } from '../../src/index.ts'

export interface DeviceOptions extends MultiBeeOptions {
  /** @defaultValue a fresh one */
  store?: Corestore
}

/** Opens a database on a device of its own. It closes before its store. */
export async function openDevice<K = string, V = unknown>({ store, ...options }: DeviceOptions = {}): Promise<
  MultiBee<K, V>
> {
  const db = new MultiBee<K, V>(store ?? (await tmpStore()), options)
  testCleanup().defer('stream', () => db.close())
  await db.ready()
  return db
}

/** A second device, which has been told the keys and is not a writer yet. */
export async function openReplica<K = string, V = unknown>(
  of: MultiBee<never, never> | MultiBee,
  options: DeviceOptions = {}
): Promise<MultiBee<K, V>> {
  return openDevice<K, V>({ key: keyOf(of), encryptionKey: of.encryptionKey, ...options })
}

/** What {@link MultiBee.key} is once the database is open. */
export function keyOf(db: { readonly key: Uint8Array | null }): Uint8Array {
  if (db.key === null) throw new Error('the database is not open')
  return db.key
}

/** What {@link MultiBee.writerKey} is once the database is open. */
export function writerKeyOf(db: { readonly writerKey: Uint8Array | null }): Uint8Array {
  if (db.writerKey === null) throw new Error('the database is not open')
  return db.writerKey
}

/** Waits until each of the devices shows this value. */
export async function untilShown(
  key: string,
  value: unknown,
  ...devices: readonly MultiBee[]
): Promise<void> {
  const wanted = JSON.stringify(value)
  for (const db of devices) {
    await until(async () => JSON.stringify((await db.get(key))?.value) === wanted, {
      message: `${key} to become ${wanted}`
    })
  }
}

/** What a promise rejects with. */
export async function failureOf(promise: PromiseLike<unknown>): Promise<unknown> {
  try {
    await promise
  } catch (error) {
    return error
  }
  throw new Error('it resolved')
}

/** Expects a MultiBeeError with this code, in its message too. */
export async function expectCode(promise: PromiseLike<unknown>, code: MultiBeeErrorCode): Promise<void> {
  expectError(await failureOf(promise), code)
}

/** As {@link expectCode}, for what throws at once. */
export function expectThrown(run: () => unknown, code: MultiBeeErrorCode): void {
  let failure: unknown = null
  try {
    run()
  } catch (error) {
    failure = error
  }
  expectError(failure, code)
}

function expectError(failure: unknown, code: MultiBeeErrorCode): void {
  expect(failure).toMatchObject({ name: 'MultiBeeError', code })
  expect((failure as Error).message).toMatch(new RegExp(`^${code}: `))
}
