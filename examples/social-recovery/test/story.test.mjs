import { expect, test } from 'vitest'
import { runStory } from '../src/story.mjs'

test('three friends bring the key of a destroyed machine back, and the forger is named', async () => {
  /** @type {string[]} */
  const lines = []
  const { lost, codes, early, found } = await runStory((line) => void lines.push(line))
  expect(early.error).toBe('SECRET_SHARE_TOO_FEW')
  expect(early.bad.map(({ name, code }) => [name, code])).toEqual([
    ['Mallory', 'SECRET_SHARE_AMBIGUOUS'],
    ['Ann', 'SECRET_SHARE_AMBIGUOUS'],
    ['Bob', 'SECRET_SHARE_AMBIGUOUS']
  ])
  expect(found.error).toBeNull()
  expect(found.key).toBe(lost)
  expect(found.writable).toBe(true)
  expect(found.used).toEqual([1, 2, 3])
  expect(found.bad.map(({ name, code }) => [name, code])).toEqual([['Mallory', 'SECRET_SHARE_OTHER_DEALER']])
  expect(new Set(codes).size).toBe(8)
  expect(lines.join('\n')).toContain('falls into the lake')
})
