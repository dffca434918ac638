import { tmpStore } from '@cloudpal/test-kit'
import type Corestore from 'corestore'
import Hyperbee from 'hyperbee'

export type TextBee = Hyperbee<string, unknown>

/** Makes bees of text keys and JSON values in one store that is gone after the test. */
export async function beeMaker(): Promise<(rows?: Record<string, unknown>) => Promise<TextBee>> {
  const store = await tmpStore()
  let count = 0
  return (rows = {}) => makeBee(store, `bee-${count++}`, rows)
}

export async function makeBee(
  store: Corestore,
  name: string,
  rows: Record<string, unknown> = {}
): Promise<TextBee> {
  const bee: TextBee = new Hyperbee(store.get({ name }), { keyEncoding: 'utf-8', valueEncoding: 'json' })
  await bee.ready()
  const batch = bee.batch()
  for (const [key, value] of Object.entries(rows)) await batch.put(key, value)
  await batch.flush()
  return bee
}
