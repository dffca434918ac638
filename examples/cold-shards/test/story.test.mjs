import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { tell } from '../src/story.mjs'

test('readings of three years are answered, two of them from the archive, and nothing is asked in vain', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'cold-shards-'))
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }))
  /** @type {string[]} */
  const lines = []
  const { cleared, answers } = await tell(directory, (line) => lines.push(line))
  expect(cleared.length).toBe(2)
  expect(Math.min(...cleared)).toBeGreaterThan(100_000)
  const [old, older] = ['2024, archived', '2023, archived']
  expect(answers.map(({ entries, sources }) => [entries, sources.toSorted()])).toEqual([
    [168, ['2025']],
    [1, ['2025']],
    [0, []],
    [1, [older]],
    [1, [older]],
    [96, [old, '2025'].toSorted()],
    [24 * (365 + 366 + 365), [older, old, '2025'].toSorted()]
  ])
  // What is here, and what lies in no range, costs nothing.
  expect(answers.slice(0, 3).map(({ requests }) => requests)).toEqual([0, 0, 0])
  expect(answers[3]?.requests).toBeGreaterThan(0)
  expect(answers[4]?.requests).toBeLessThanOrEqual(answers[3]?.requests ?? 0)
  expect(lines.length).toBe(5 + 1 + answers.length)
})
