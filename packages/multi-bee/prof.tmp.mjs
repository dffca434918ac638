import Corestore from 'corestore'
import { MultiBee } from './dist/index.js'
import { rmSync } from 'node:fs'
import crypto from 'hypercore-crypto'
const N = 10000,
  BATCH = Number(process.env.BATCH ?? 100)
const dirs = ['/tmp/prof/a', '/tmp/prof/b']
for (const d of dirs) rmSync(d, { recursive: true, force: true })
const sa = new Corestore(dirs[0]),
  sb = new Corestore(dirs[1])
const a = new MultiBee(sa)
await a.ready()
const b = new MultiBee(sb, { key: a.key, encryptionKey: a.encryptionKey })
await b.ready()
await a.addWriter(b.writerKey)
const link = () => {
  const s1 = a.replicate(true),
    s2 = b.replicate(false)
  s1.pipe(s2).pipe(s1)
  return () => {
    s1.destroy()
    s2.destroy()
  }
}
let un = link()
while (!b.writable) await new Promise((r) => setTimeout(r, 10))
un()
const value = (i) => ({ name: 'n' + i, text: 'x'.repeat(60), i })
for (const db of [a, b]) {
  for (let i = 0; i < N; i += BATCH) {
    const t = db.batch()
    for (let j = 0; j < BATCH; j++) await t.put(crypto.randomBytes(8).toString('hex'), value(i + j))
    await t.flush()
  }
  await db.flush()
}
const t0 = performance.now()
un = link()
const done = () =>
  [a, b].every((db) => {
    const s = db.openedDatabase().engine.state
    return s.applied.reduce((x, y) => x + y, 0) >= (2 * N) / BATCH + 2
  })
while (!done()) await new Promise((r) => setImmediate(r))
const t1 = performance.now()
await a.flush()
await b.flush()
console.log('converge', Math.round(t1 - t0), 'ms, with flush', Math.round(performance.now() - t0))
un()
await a.close()
await b.close()
await sa.close()
await sb.close()
