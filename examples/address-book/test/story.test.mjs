import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, vi } from 'vitest'
import { runStory, SAMPLE } from '../src/story.mjs'

/** @import { Fact } from '../src/facts.ts' */

test('three devices that were filled and edited apart, one of them killed, hold the same contacts', async () => {
  const facts = await story(SAMPLE)

  assert.deepEqual(
    all(facts, 'paired').map(({ device }) => device),
    ['laptop', 'cloud']
  )
  const imported = one(facts, 'imported')
  assert.equal(imported.shared, 216)
  assert.equal(imported.conflicts, 0)
  for (const { contacts } of Object.values(imported.summaries)) assert.equal(contacts, 540)

  const killed = one(facts, 'killed')
  const restarted = one(facts, 'restarted')
  assert(killed.acknowledged >= 200)
  assert.equal(restarted.found, killed.acknowledged)

  const [, apart] = all(facts, 'had')
  const hashes = Object.values(apart?.summaries ?? {}).map(({ hash }) => hash)
  assert.equal(new Set(hashes).size, 3, 'the devices differ before they meet')

  const { field, shown, other } = one(facts, 'conflict')
  assert.equal(field, 'note')
  assert.deepEqual([shown.device, other.device].sort(), ['laptop', 'phone'])
  assert.deepEqual([shown.value, other.value].sort(), [
    'Moves to the coast in May',
    'Moves to the hills in June'
  ])
  const resolved = one(facts, 'resolved')
  assert.equal(resolved.value, other.value)
  assert.equal(resolved.left, 0)

  const agreed = one(facts, 'agreed')
  assert.equal(agreed.contacts, 541)
  assert.equal(agreed.calls, restarted.found + restarted.more)
})

test('a file with few contacts is joined by the sample', async ({ onTestFinished }) => {
  const file = join(temporaryFolder(onTestFinished), 'mine.vcf')
  writeFileSync(file, 'BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Solo Example\r\nEND:VCARD\r\n')
  const facts = await story(file)
  assert.deepEqual(
    all(facts, 'read').map(({ contacts }) => contacts),
    [1, 540]
  )
  assert.equal(one(facts, 'agreed').contacts, 542)
})

test('a story that is stopped leaves nothing behind', async ({ onTestFinished }) => {
  const folder = temporaryFolder(onTestFinished)
  for (const name of ['TMPDIR', 'TEMP']) vi.stubEnv(name, folder)
  onTestFinished(() => void vi.unstubAllEnvs())
  const stopping = new AbortController()
  /** @type {string[]} */
  let meanwhile = []
  const running = story(SAMPLE, stopping.signal, ({ type }) => {
    if (type !== 'paired') return
    meanwhile = readdirSync(folder)
    stopping.abort()
  })
  await assert.rejects(running, /has ended/)
  assert.equal(meanwhile.length, 1)
  assert.deepEqual(readdirSync(folder), [])
})

/**
 * @param {string} file
 * @param {AbortSignal} [signal]
 * @param {(fact: Fact) => void} [onFact]
 */
async function story(file, signal, onFact) {
  /** @type {Fact[]} */
  const facts = []
  const tell = (/** @type {Fact} */ fact) => {
    facts.push(fact)
    onFact?.(fact)
  }
  await runStory({ file, tell, ...(signal && { signal }) })
  return facts
}

/**
 * @template {Fact['type']} T
 * @param {Fact[]} facts
 * @param {T} type
 */
function all(facts, type) {
  return /** @type {Extract<Fact, { type: T }>[]} */ (facts.filter((fact) => fact.type === type))
}

/**
 * @template {Fact['type']} T
 * @param {Fact[]} facts
 * @param {T} type
 */
function one(facts, type) {
  const [fact, ...rest] = all(facts, type)
  assert(fact && rest.length === 0, `one ${type} is told`)
  return fact
}

/** @param {(clean: () => void) => void} onTestFinished */
function temporaryFolder(onTestFinished) {
  const folder = mkdtempSync(join(tmpdir(), 'cloudpal-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}
