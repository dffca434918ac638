import type { ObjectStore } from '../src/index.ts'

/** Puts other bytes where an object is, as only who may delete can: those that are returned, or what was done to them. */
export async function changeObject(
  store: ObjectStore,
  name: string,
  change: (bytes: Uint8Array) => Uint8Array | void
): Promise<void> {
  const result = await store.getRange(name, { start: 0, end: 2 ** 30 })
  if (result === null) throw new Error(`there is no ${name}`)
  const changed = change(result.bytes) ?? result.bytes
  await store.delete(name)
  await store.putIfAbsent(name, changed)
}
