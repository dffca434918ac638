import { expect, test } from 'vitest'
import { createGate } from '../src/gate.ts'
import { until } from '../src/index.ts'

test('what comes while it is shut passes later, in order', async () => {
  const gate = createGate()
  const passed: unknown[] = []
  gate.stream.on('data', (data) => passed.push(data))
  gate.stream.write(1)
  await until(() => passed.length === 1)
  gate.shut()
  for (const data of [2, 3, 4]) gate.stream.write(data)
  await new Promise((done) => setTimeout(done, 20))
  expect(passed).toEqual([1])
  gate.open()
  await until(() => passed.length === 4)
  expect(passed).toEqual([1, 2, 3, 4])
})

test('a shut gate can be destroyed, and what it holds is lost', async () => {
  const gate = createGate()
  const seen: unknown[] = []
  gate.stream.on('data', (data) => seen.push(data))
  gate.stream.on('close', () => seen.push('closed'))
  gate.shut()
  gate.stream.write(1)
  await new Promise((done) => setTimeout(done, 20))
  gate.stream.destroy()
  await until(() => seen.length > 0)
  expect(seen).toEqual(['closed'])
})
