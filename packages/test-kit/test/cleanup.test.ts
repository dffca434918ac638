import { afterAll, expect, test } from 'vitest'
import { Cleanup, testCleanup } from '../src/index.ts'

test('steps run by phase, the newest first in each', async () => {
  const ran: string[] = []
  const cleanup = new Cleanup()
  for (const phase of ['files', 'network', 'store', 'stream', 'swarm'] as const) {
    cleanup.defer(phase, () => ran.push(`${phase} 1`))
    cleanup.defer(phase, () => ran.push(`${phase} 2`))
  }
  await cleanup.run()
  expect(ran).toEqual(['swarm', 'stream', 'store', 'network', 'files'].flatMap((p) => [`${p} 2`, `${p} 1`]))
})

test('a step runs once, also one that another step adds', async () => {
  const ran: string[] = []
  const cleanup = new Cleanup()
  cleanup.defer('stream', () => cleanup.defer('swarm', () => ran.push('late')))
  await cleanup.run()
  await cleanup.run()
  expect(ran).toEqual(['late'])
})

test('a failing step does not keep the others from running', async () => {
  const ran: string[] = []
  const one = new Cleanup()
  one.defer('files', () => ran.push('files'))
  one.defer('stream', () => Promise.reject(new Error('stream')))
  await expect(one.run()).rejects.toThrow('stream')
  expect(ran).toEqual(['files'])

  const several = new Cleanup()
  several.defer('store', () => Promise.reject(new Error('first')))
  several.defer('files', () => Promise.reject(new Error('second')))
  await expect(several.run()).rejects.toMatchObject({ errors: [{ message: 'first' }, { message: 'second' }] })
})

test('disposing is running', async () => {
  const ran: string[] = []
  {
    await using cleanup = new Cleanup()
    cleanup.defer('store', () => ran.push('store'))
  }
  expect(ran).toEqual(['store'])
})

const finished: string[] = []

test('a test has one cleanup', ({ onTestFinished }) => {
  expect(testCleanup()).toBe(testCleanup())
  testCleanup().defer('store', () => finished.push('cleanup'))
  onTestFinished(() => {
    finished.push('own hook')
  })
})

test('which ran after the hooks the test added itself', () => {
  expect(finished).toEqual(['own hook', 'cleanup'])
})

afterAll(() => {
  expect(() => testCleanup()).toThrow('pass { cleanup')
})
