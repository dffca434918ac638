import { expect, test } from 'vitest'
import { lineWriter } from '../src/cli/line-writer.ts'

test('a log that nobody reads holds 1 MiB and a line at most, and goes on when it is read', () => {
  const stream = {
    writableLength: 0,
    write: (text: string) => void (stream.writableLength += text.length)
  }
  const write = lineWriter(stream)
  const line = 'x'.repeat(1_023)
  for (let i = 0; i < 4_096; i++) write(line)
  expect(stream.writableLength).toBe(1_025 * 1_024)
  stream.writableLength = 0
  write('again')
  expect(stream.writableLength).toBe('again\n'.length)
})
