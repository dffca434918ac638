import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test, vi } from 'vitest'
import { printLines, printMarkdown, readLines, type ReportLine } from '../harness/report.mjs'
import type { Suite } from '../harness/suite.mjs'

const suite: Suite = {
  name: 'suite',
  subjects: ['ours', 'other'],
  optional: [],
  scenarios: [],
  reach: [],
  summary: {
    keys: [10_000],
    subjects: ['ours', 'other'],
    rows: [
      { label: 'gets', metrics: ['get', 'get-after-open'] },
      { label: 'not measured', metrics: ['scan'] }
    ]
  }
}

const provenance = { bench: 'suite', date: '2026-01-02', machine: 'a machine', node: '20.0.0' }

const report = {
  lines: [
    { ...provenance, subject: 'ours', metric: 'get', unit: 'µs', value: 1234, runs: 3, keys: 10_000 },
    { ...provenance, subject: 'ours', metric: 'get-after-open', unit: 'µs', value: 5, runs: 1, keys: 10_000 }
  ] satisfies ReportLine[],
  reach: [{ reach: 'ours get', target: '<= 2000 µs', value: 1234, met: true }]
}

const printed: string[] = []
vi.spyOn(console, 'log').mockImplementation((text: string) => void printed.push(text))
afterEach(() => void printed.splice(0))

test('what is printed as lines is read back', () => {
  printLines(suite, report)
  const dir = mkdtempSync(join(tmpdir(), 'report-'))
  try {
    writeFileSync(join(dir, 'lines'), printed.join('\n'))
    const { lines, reach } = readLines(join(dir, 'lines'))
    expect(lines).toEqual(report.lines)
    expect(reach).toEqual([{ bench: 'suite', ...report.reach[0] }])
  } finally {
    rmSync(dir, { recursive: true })
  }
})

test('the short table has a cell for each subject, marks fewer runs, and leaves empty rows out', () => {
  printMarkdown(suite, report)
  expect(printed.join('\n')).toBe(
    [
      '2026-01-02, a machine, Node 20.0.0; medians of 3 runs, where a * stands of one.\n',
      '|      |        ours | other |',
      '| ---- | ----------: | ----: |',
      '| gets | 1,234 / 5 * |     – |'
    ].join('\n')
  )
})

test('the short table is refused for other sizes than its rows speak of', () => {
  const lines = report.lines.map((line) => ({ ...line, keys: 500 }))
  expect(() => printMarkdown(suite, { lines, reach: [] })).toThrow('usual sizes')
})
