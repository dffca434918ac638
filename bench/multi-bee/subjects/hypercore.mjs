import Corestore from 'corestore'

/**
 * The floor: what one log costs that knows no keys. Reads go by index.
 *
 * @param {string} dir
 * @returns {Promise<import('./database.mjs').Database>}
 */
export async function open(dir) {
  const store = new Corestore(dir)
  const core = store.get({ name: 'log', valueEncoding: 'json' })
  await core.ready()
  return {
    put: ({ key, value }) => core.append({ key, value }),
    putBatch: (entries) => core.append(entries.map(({ key, value }) => ({ key, value }))),
    get: async ({ index }) => {
      const block = /** @type {unknown} */ (await core.get(index))
      return /** @type {{ value: unknown } | null} */ (block)?.value ?? null
    },
    scan: async function* () {
      for await (const block of core.createReadStream())
        yield /** @type {{ key: string, value: unknown }} */ (/** @type {unknown} */ (block))
    },
    flush: async () => {},
    close: async () => {
      await core.close()
      await store.close()
    }
  }
}
