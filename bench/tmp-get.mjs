import { entries } from './harness/entries.mjs'
import { openParts } from './union-bee/subjects/parts.mjs'
import { mkdtempSync } from 'node:fs'
const dir = mkdtempSync('/tmp/ub-')
const all = entries(10000)
const plain = await openParts({ subject: 'hyperbee', dir: dir + '/p', entries: all, count: 1 })
const half = await openParts({ subject: 'hyperbee', dir: dir + '/h', entries: all.filter(({index}) => index % 2 === 1), count: 1 })
const two = await openParts({ subject: 'union-bee', dir: dir + '/2', entries: all, count: 2 })
const one = await openParts({ subject: 'union-bee', dir: dir + '/1', entries: all, count: 1 })
const w0 = all.filter(({ index }) => index % 2 === 0).slice(0, 2000), w1 = all.filter(({ index }) => index % 2 === 1).slice(0, 2000)
const med = (a) => a.sort((x, y) => x - y)[a.length >> 1]
async function t(p, w) { const a = []; for (const { key } of w) { const s = performance.now(); await p.get(key); a.push((performance.now() - s) * 1000) } return med(a) }
const rows = { plain: [plain, w1], 'half hit': [half, w1], 'half miss': [half, w0], 'union 1': [one, w1], 'first': [two, w0], 'second': [two, w1] }
const res = Object.fromEntries(Object.keys(rows).map((k) => [k, []]))
for (let i = 0; i < 9; i++) for (const [k, [p, w]] of Object.entries(rows)) res[k].push(await t(p, w))
for (const k in res) console.log(k, med(res[k].slice(2)).toFixed(1))
process.exit(0)
