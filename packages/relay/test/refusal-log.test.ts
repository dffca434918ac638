import { afterEach, expect, test, vi } from 'vitest'
import { RefusalLog } from '../src/cli/refusal-log.ts'
import { refusal } from '../src/protocol/refusal.ts'

afterEach(() => void vi.useRealTimers())

test('a log has twenty refusals of each second, and then how many more there were', () => {
  vi.useFakeTimers()
  const lines: object[] = []
  const log = new RefusalLog((_, facts) => lines.push(facts))
  const note = (count: number): void => {
    for (let i = 0; i < count; i++) log.note(refusal('RELAY_DENIED'), null, '192.0.2.1')
  }
  for (let second = 0; second < 2; second++) {
    note(25)
    vi.advanceTimersByTime(1_000)
    expect(lines.splice(0)).toEqual([
      ...Array.from({ length: 20 }, () => expect.objectContaining({ code: 'RELAY_DENIED' })),
      { more: 5 }
    ])
  }
  note(3)
  log.end()
  vi.advanceTimersByTime(1_000)
  expect(lines).toHaveLength(3)
})
