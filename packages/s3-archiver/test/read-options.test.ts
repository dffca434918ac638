import { describe, expect, test } from 'vitest'
import { readFromArchive } from '../src/browser/index.ts'
import { Seeder } from '../src/index.ts'
import { numbered } from './archived.ts'
import { archived, open, outcome } from './meddling-store.ts'

describe('what readers take', () => {
  test.each([
    ['cacheBytes', NaN],
    ['cacheBytes', -1],
    ['pollMs', 0],
    ['pollMs', NaN]
  ])('%s of %d is refused', async (name, value) => {
    const { store, key } = await archived(numbered(0, 3))
    const options = { key, keys: [key], [name]: value }
    const ends = [
      outcome(open(store, options)),
      outcome(
        (async () => {
          const seeder = new Seeder(store, options)
          await seeder.close()
        })()
      ),
      ...(name === 'cacheBytes' ? [outcome(readFromArchive(store, options))] : [])
    ]
    for (const end of await Promise.all(ends)) expect(end).toBe('S3_ARCHIVER_BAD_ARGUMENT')
  })
})
