import { expect, test } from 'vitest'
import { reached } from '../harness/reach.mjs'
import type { Line, Reach, Suite } from '../harness/suite.mjs'

const scenario = {
  module: '',
  metrics: [
    { name: 'put', unit: 'entries/s' },
    { name: 'get', unit: 'µs', home: 'medium' as const },
    { name: 'open', unit: 'ms', sized: true }
  ],
  subjects: {},
  measure: () => Promise.resolve({})
}

function suiteOf(reach: Reach[]): Suite {
  const summary = { keys: [], subjects: [], rows: [] }
  return { name: 'suite', subjects: ['ours', 'other'], optional: [], scenarios: [scenario], reach, summary }
}

function line(subject: string, metric: string, value: number): Line {
  return { subject, metric, value, unit: 'unit', runs: 1, keys: 0 }
}

test('a target of a ratio divides the figures at the size where the metric bears its bare name', () => {
  const suite = suiteOf([
    {
      figure: { subject: 'ours', metric: 'get' },
      over: { subject: 'other', metric: 'get' },
      atMost: 0.5
    }
  ])
  const lines = [
    line('ours', 'get-10k', 9),
    line('ours', 'get', 1),
    line('other', 'get-10k', 1),
    line('other', 'get', 4)
  ]
  expect(reached(suite, lines, 10_000)).toEqual([
    { reach: 'ours get / other', target: '<= 0.5 x', value: 0.25, met: true }
  ])
})

test('a target of a difference subtracts, and is missed beyond its bound', () => {
  const suite = suiteOf([
    {
      figure: { subject: 'ours', metric: 'open', size: 'large' },
      minus: { subject: 'ours', metric: 'put' },
      atMost: 40
    }
  ])
  const lines = [line('ours', 'open-1m', 60), line('ours', 'put', 15)]
  expect(reached(suite, lines, 10_000)).toEqual([
    { reach: 'ours open-1m - put', target: '<= 40 unit', value: 45, met: false }
  ])
})

test('a target whose figures were not all measured is left out', () => {
  const suite = suiteOf([
    {
      figure: { subject: 'ours', metric: 'put' },
      over: { subject: 'other', metric: 'put' },
      atLeast: 1
    }
  ])
  expect(reached(suite, [line('ours', 'put', 1)], 10_000)).toEqual([])
})

test('a target of a metric that no scenario has is a mistake', () => {
  const suite = suiteOf([{ figure: { subject: 'ours', metric: 'putt' }, atLeast: 1 }])
  expect(() => reached(suite, [], 10_000)).toThrow('no metric putt')
})
