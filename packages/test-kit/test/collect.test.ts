import { expect, test } from 'vitest'
import { collect } from '../src/index.ts'

test('reads a source to its end, in order', async () => {
  async function* source() {
    yield 1
    yield 2
  }
  expect(await collect(source())).toEqual([1, 2])
  expect(await collect([1, Promise.resolve(2)])).toEqual([1, 2])
})

test("a source's error is thrown", async () => {
  // eslint-disable-next-line require-yield -- a source that fails at once
  async function* source() {
    throw new Error('disk')
  }
  await expect(collect(source())).rejects.toThrow('disk')
})
