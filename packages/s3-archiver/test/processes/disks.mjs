// Fills a small disk of its own, makes it read-only, and puts another one inside; says what the store does as one line of JSON.
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { FileStore } from '../../dist/index.js'

const MIB = 2 ** 20
const disk = mkdtempSync(join(tmpdir(), 'cloudpal-disk-'))
const mounted = mount(['-t', 'tmpfs', '-o', 'size=8m', 'tmpfs', disk])
if (mounted.status !== 0) {
  console.log(JSON.stringify({ skipped: mounted.error?.message ?? mounted.stderr }))
  process.exit(0)
}
const directory = join(disk, 'store')
const ballast = join(disk, 'ballast')
writeFileSync(ballast, new Uint8Array(2 * MIB))
const store = new FileStore(directory)
const report = {}

const told = []
let full = 'resolved'
for (let i = 0; full === 'resolved'; i++) {
  const name = `a/${i}`
  full = await outcome(store.putIfAbsent(name, new Uint8Array(MIB + 1).fill(i)))
  if (full === 'resolved') told.push(name)
}
report.full = full
report.told = told.length
report.whole = await wholeObjects()
report.unfinished = readdirSync(join(directory, '.unfinished')).length
report.delete = await outcome(store.delete('a/0'))
rmSync(ballast)
report.room = await outcome(store.putIfAbsent('a/again', new Uint8Array(MIB + 1)))

mkdirSync(join(directory, 'inside'))
mount(['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', join(directory, 'inside')])
report.inside = await outcome(store.putIfAbsent('inside/a', new Uint8Array(1)))
report.insideNames = readdirSync(join(directory, 'inside')).length
spawnSync('umount', [join(directory, 'inside')])

mount(['-o', 'remount,ro', disk])
report.readOnly = await outcome(store.putIfAbsent('a/late', new Uint8Array(1)))
report.readOnlyDelete = await outcome(store.delete('a/1'))
report.readOnlyWhole = await wholeObjects()
spawnSync('umount', [disk])
rmSync(disk, { recursive: true, force: true })
console.log(JSON.stringify(report))

/** Objects that are there with all their bytes; -1 when one is not whole. */
async function wholeObjects() {
  let count = 0
  for await (const { size } of store.list('')) {
    if (size !== MIB + 1) return -1
    count++
  }
  return count
}

function mount(args) {
  return spawnSync('mount', args, { encoding: 'utf8' })
}

async function outcome(promise) {
  return promise.then(
    () => 'resolved',
    ({ code, retryable, ambiguous }) =>
      `${code}${retryable ? ' retryable' : ''}${ambiguous ? ' ambiguous' : ''}`
  )
}
