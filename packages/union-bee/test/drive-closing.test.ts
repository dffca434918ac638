import { until } from '@cloudpal/test-kit'
import { expect, test } from 'vitest'
import { UnionDrive } from '../src/index.ts'
import { altered } from './support/altered.ts'
import { driveMaker } from './support/drives.ts'

type Made = Awaited<ReturnType<Awaited<ReturnType<typeof driveMaker>>>>

/** A drive of which one thing never answers, and how often it was asked. */
function silent(drive: Made, member: 'entry' | 'get' | 'ready') {
  const asked = { count: 0 }
  const answer = (): Promise<never> => {
    asked.count++
    return new Promise(() => {})
  }
  return { drive: altered(drive, { [member]: answer }), asked }
}

for (const policy of ['fail', 'degrade'] as const) {
  test(`a union of drives closes although a lookup waits for one that is silent: that is refused (${policy})`, async () => {
    const make = await driveMaker()
    const { drive, asked } = silent(await make({ '/a': 'lower' }), 'entry')
    const union = new UnionDrive([drive], { policy })
    await union.ready()
    const looks = Promise.allSettled([union.entry('/a'), union.lookup('/a'), union.exists('/a')])
    await until(() => asked.count === 3)
    await union.close()
    for (const look of await looks) expect(look).toMatchObject({ reason: { code: 'UNION_BEE_CLOSED' } })
  })

  test(`it closes although a deletion waits for a drive that is silent: nothing is written (${policy})`, async () => {
    const make = await driveMaker()
    const top = await make({ '/a': 'top' })
    const { drive, asked } = silent(await make({ '/a': 'lower' }), 'entry')
    const union = new UnionDrive([drive], { top, policy })
    await union.ready()
    const { version } = top
    const deleted = union.del('/a')
    deleted.catch(() => {})
    await until(() => asked.count > 0)
    await union.close()
    await expect(deleted).rejects.toMatchObject({ code: 'UNION_BEE_CLOSED' })
    expect(top.version).toBe(version)
  })

  test(`it closes although a drive never opens (${policy})`, async () => {
    const make = await driveMaker()
    const { drive, asked } = silent(await make({ '/a': '1' }), 'ready')
    const union = new UnionDrive([drive], { policy })
    const opening = union.ready()
    opening.catch(() => {})
    await until(() => asked.count > 0)
    await union.close()
    await expect(opening).rejects.toMatchObject({ code: 'UNION_BEE_CLOSED' })
  })
}

test('bytes that a drive never gives end with the union', async () => {
  const make = await driveMaker()
  const { drive, asked } = silent(await make({ '/a': '1' }), 'get')
  const union = new UnionDrive([drive])
  const bytes = union.get('/a')
  bytes.catch(() => {})
  await until(() => asked.count > 0)
  await union.close()
  await expect(bytes).rejects.toMatchObject({ code: 'UNION_BEE_CLOSED' })
})
