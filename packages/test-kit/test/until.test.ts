import { expect, test, vi } from 'vitest'
import { until } from '../src/index.ts'

test('a condition that holds already costs no turn of the event loop', async () => {
  let turned = false
  setImmediate(() => {
    turned = true
  })
  await until(() => true)
  expect(turned).toBe(false)
})

test('gives what the condition returned, narrowed', async () => {
  let tries = 0
  const name: string = await until(() => (tries++ < 3 ? null : 'ada'))
  expect(name).toBe('ada')
  expect(tries).toBe(4)
})

test('goes on after the eager turns', async () => {
  let tries = 0
  await until(async () => tries++ > 60)
  expect(tries).toBe(62)
})

test('says what it waited for', async () => {
  await expect(until(() => false, { timeoutMs: 10, message: 'the peer' })).rejects.toThrow(
    'timed out after 10 ms waiting for: the peer'
  )
  let tries = 0
  const message = () => `${tries > 0 ? 'some' : 'no'} tries`
  await expect(until(() => tries++ < 0, { timeoutMs: 10, message })).rejects.toThrow('some tries')
  await expect(until(() => 1 > 2, { timeoutMs: 10 })).rejects.toThrow('1 > 2')
})

test('times out when the condition hangs', async () => {
  await expect(until(() => new Promise<boolean>(() => {}), { timeoutMs: 10 })).rejects.toThrow('timed out')
})

test('stops trying after the time-out', async () => {
  let tries = 0
  await expect(until(() => tries++ < 0, { timeoutMs: 10 })).rejects.toThrow('timed out')
  const before = tries
  await new Promise((done) => setTimeout(done, 30))
  expect(tries).toBeLessThanOrEqual(before + 1)
})

test('what the condition throws is thrown at once', async () => {
  let tries = 0
  const condition = () => {
    tries++
    throw new Error('disk')
  }
  await expect(until(condition)).rejects.toThrow('disk')
  expect(tries).toBe(1)
})

test('works under fake timers', async () => {
  vi.useFakeTimers()
  try {
    let tries = 0
    await until(() => tries++ > 60)
    await expect(until(() => false, { timeoutMs: 10 })).rejects.toThrow('timed out')
  } finally {
    vi.useRealTimers()
  }
})
