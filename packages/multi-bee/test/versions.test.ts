import { collect, tmpStore } from '@cloudpal/test-kit'
import { expect, test } from 'vitest'
import { openDevice } from './support/devices.ts'

test('every version stays readable, written or not, and over a restart', async () => {
  const store = await tmpStore()
  const first = await openDevice({ store })
  const expected: [version: number, shown: [key: string, value: unknown][]][] = []
  for (let i = 0; i < 12; i++) {
    await first.put('k', i)
    if (i % 5 === 2) await first.del('other')
    else await first.put('other', { at: i })
    const shown: [string, unknown][] = [['k', i]]
    if (i % 5 !== 2) shown.push(['other', { at: i }])
    expected.push([first.version, shown])
    // Some versions share a write of the view, some do not, and the last ones are in none.
    if ([0, 1, 5, 8].includes(i)) await first.flush()
  }
  const check = async (db: typeof first): Promise<void> => {
    for (const [version, shown] of expected) {
      const then = db.checkout(version)
      expect((await collect(then.createReadStream())).map(({ key, value }) => [key, value])).toEqual(shown)
      expect((await then.get('k'))?.value).toBe(shown[0]?.[1])
      expect((await then.get('other'))?.value).toEqual(shown[1]?.[1])
      await then.close()
    }
  }
  await check(first)
  await first.flush()
  await check(first)
  await first.close()
  await check(await openDevice({ store }))
})
