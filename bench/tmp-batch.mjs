import Hyperbee from 'hyperbee'
import Corestore from 'corestore'
import { entries } from './harness/entries.mjs'
import { fill } from './union-bee/subjects/parts.mjs'
import { mkdtempSync } from 'node:fs'
const store = new Corestore(mkdtempSync('/tmp/ub-'))
const all = entries(10000)
const bee = await fill(store, 'a', all.filter(({index}) => index % 2 === 1))
const hit = all.filter(({ index }) => index % 2 === 1).slice(0, 2000), miss = all.filter(({ index }) => index % 2 === 0).slice(0, 2000)
const med = (a) => a.sort((x, y) => x - y)[a.length >> 1]
async function t(get, w) { const a = []; for (const { key } of w) { const s = performance.now(); await get(key); a.push((performance.now() - s) * 1000) } return med(a) }
const kept = bee.batch()
const snap = bee.snapshot(); await snap.ready()
const ways = {
  get: (k) => bee.get(k),
  batch: async (k) => { const b = bee.batch(); try { return await b.get(k) } finally { void b.close() } },
  kept: (k) => kept.get(k),
  snap: (k) => snap.get(k)
}
const res = {}
for (let i = 0; i < 9; i++) for (const [k, g] of Object.entries(ways)) for (const [n, w] of [['hit', hit], ['miss', miss]]) (res[k + ' ' + n] ??= []).push(await t(g, w))
for (const k in res) console.log(k, med(res[k].slice(2)).toFixed(1))
console.log(bee._batches.length)
process.exit(0)
