import { entries } from './harness/entries.mjs'
import { openParts } from './union-bee/subjects/parts.mjs'
import { mkdtempSync } from 'node:fs'
const dir = mkdtempSync('/tmp/ub-')
const all = entries(10000)
const two = await openParts({ subject: 'union-bee', dir: dir + '/2', entries: all, count: 2 })
const w1 = all.filter(({ index }) => index % 2 === 1).slice(0, 2000)
for (let i = 0; i < 60; i++) for (const { key } of w1) await two.get(key)
process.exit(0)
