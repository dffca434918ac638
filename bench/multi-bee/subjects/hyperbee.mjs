import Corestore from 'corestore'
import Hyperbee from 'hyperbee'

/**
 * @param {string} dir
 * @returns {Promise<import('./database.mjs').Database>}
 */
export async function open(dir) {
  const store = new Corestore(dir)
  /** @type {Hyperbee<string, unknown>} */
  const bee = new Hyperbee(store.get({ name: 'bee' }), { keyEncoding: 'utf-8', valueEncoding: 'json' })
  await bee.ready()
  return {
    put: ({ key, value }) => bee.put(key, value),
    putBatch: async (entries) => {
      const batch = bee.batch()
      for (const { key, value } of entries) await batch.put(key, value)
      await batch.flush()
    },
    get: async ({ key }) => (await bee.get(key))?.value ?? null,
    scan: () => bee.createReadStream(),
    // Every append is in the store when it resolves.
    flush: async () => {},
    close: async () => {
      await bee.close()
      await store.close()
    }
  }
}
