import { inspect } from 'node:util'
import { afterEach, expect, test, vi } from 'vitest'
import * as api from '../src/index.ts'
import type { Share } from '../src/index.ts'
import { recoverySheet } from '../src/qr/index.ts'
import { resign } from './sets.ts'
import { systemRandom } from '../src/crypto/crypto.ts'
import { sharedKey } from '../src/sharing/shared-key.ts'

/** Every secret byte string there is gets remembered here, then looked for wherever something is shown. */
const secrets: Uint8Array[] = []
const remember = (bytes: Uint8Array): Uint8Array => {
  secrets.push(Uint8Array.from(bytes))
  return bytes
}

const recorded: api.RandomBytes = (length) => remember(systemRandom(length))
const dealer = api.dealerKeyPair(recorded)
const secret = remember(systemRandom(32))
const holders = ['Ann', 'Bob', 'Cleo'].map((name) => ({ name }))
// The set id is public: it is drawn first, and forgotten.
const set = (() => {
  const drawn = secrets.length
  const made = api.split(secret, { threshold: 2, holders, label: 'cloud', dealer, random: recorded })
  secrets.splice(drawn, 1)
  return made
})()
const shares = set.shares.map(({ share }) => share) as [Share, Share, Share]
remember(sharedKey(shares))
for (const share of shares) remember(share.toBytes().slice(-4 - 64 - 48 - 1 - 32, -4 - 64 - 48 - 1))

/** Any eight bytes in a row of any secret, in any of the ways bytes are shown. */
function leaks(shown: string | Uint8Array): string[] {
  const text = typeof shown === 'string' ? shown : Buffer.from(shown).toString('hex')
  const haystack = text.replaceAll(/\s+|"\d+":/g, '')
  return secrets.flatMap((bytes, which) => {
    for (let at = 0; at + 8 <= bytes.length; at++) {
      const part = Buffer.from(bytes.slice(at, at + 8))
      const forms = [part.toString('hex'), [...part].join(',')]
      if (at % 3 === 0) forms.push(Buffer.from(bytes.slice(at)).toString('base64').slice(0, 10))
      if (forms.some((form) => haystack.includes(form))) return [`secret ${which} at ${at}`]
    }
    return []
  })
}

const shown = (value: unknown): string =>
  [
    JSON.stringify(value),
    inspect(value, { depth: 9, showHidden: true, maxArrayLength: null, getters: false }),
    String(value),
    JSON.stringify(Object.entries(Object(value)))
  ].join('\n')

const spies = (['log', 'warn', 'error', 'info', 'debug'] as const).map((name) => vi.spyOn(console, name))
afterEach(() => {
  for (const spy of spies) expect(spy).not.toHaveBeenCalled()
})

test('the canary sings: bytes that are shown are found', () => {
  expect(secrets.length).toBeGreaterThan(5)
  expect(leaks(shown({ secret }))).not.toEqual([])
  expect(leaks(shares[0].toBytes())).not.toEqual([])
  expect(leaks(inspect(api.combine(shares).secret, { maxArrayLength: null }))).not.toEqual([])
})

test('no object that is kept, logged or sent as JSON shows secret bytes', () => {
  const found = api.combine(shares)
  const recovery = new api.Recovery({ label: 'cloud', random: recorded })
  const help = new api.RecoveryHelp({ random: recorded })
  const ask = recovery.ask('Ann')
  help.receive(ask.hello())
  help.receive(ask.receive(help.begin()) as Uint8Array)
  ask.receive(help.approve(shares[0], ask.code?.words ?? ''))
  for (const value of [set, set.shares, shares[0], found, recovery, ask, help]) {
    expect(leaks(shown(value))).toEqual([])
  }
})

test('key pairs do not show their secret half in a log or in JSON', () => {
  for (const keys of [dealer, api.holderKeyPair(recorded)]) {
    remember(keys.secretKey.slice(0, 32))
    const plain = [inspect(keys, { maxArrayLength: null }), JSON.stringify(keys), shown({ ...keys })].join(
      '\n'
    )
    expect(leaks(plain)).toEqual([])
    expect(leaks(inspect(keys.secretKey, { maxArrayLength: null }))).not.toEqual([])
  }
})

test('not even a look at all getters of what was found shows the secret', () => {
  const found = api.combine(shares)
  const deep = { showHidden: true, getters: true, maxArrayLength: null } as const
  expect(leaks(inspect(found, deep))).toEqual([])
  expect(leaks(inspect({ found }, deep))).toEqual([])
  expect(JSON.parse(JSON.stringify(found))).toEqual({ label: 'cloud', epoch: 0, used: [1, 2], faults: [] })
})

test('the set sheet, challenges, answers and sealed shares hold no secret bytes', () => {
  const question = api.challenge(set.sheet, 1)
  const keys = api.holderKeyPair()
  for (const bytes of [
    set.sheet.toBytes(),
    question,
    api.answer(shares[0], question),
    api.sealShare(shares[0], keys.publicKey)
  ]) {
    expect(leaks(bytes)).toEqual([])
  }
})

test('no error holds secret bytes, in its message, its cause or its faults', () => {
  const thief = api.dealerKeyPair()
  const flipped = shares[1].toBytes().map((byte, i) => (i === 200 ? byte ^ 1 : byte))
  const forged = resign(shares[1], { value: secret }, thief.secretKey)
  const other = api.split(secret, { threshold: 2, holders, label: 'cloud', dealer, random: systemRandom })
  const strange = other.shares[2]?.share as Share
  const text = api.shareToText(shares[2])
  const attempts: (() => unknown)[] = [
    () => api.combine([shares[0]]),
    () => api.combine([shares[0], flipped]),
    () => api.combine([shares[0], forged]),
    () => api.combine([shares[0], strange]),
    () => api.combine([shares[0], shares[0].toBytes()]),
    () => api.combine([shares[0], `${text.slice(0, -5)}qqqqq`]),
    () => api.verifyShare(text.slice(0, 200)),
    () => api.verifyShare(flipped),
    () => api.openShare(shares[0].toBytes(), api.holderKeyPair()),
    () => api.split(secret, { threshold: 1, holders, label: 'cloud', dealer }),
    () => api.split(secret, { threshold: 2, holders, label: '', dealer }),
    () => api.refresh(set.sheet, secret, { threshold: 2, holders, label: 'x', dealer: thief }),
    () => api.answer(shares[0], api.challenge(other.sheet, 1))
  ]
  for (const attempt of attempts) {
    let error: unknown = null
    try {
      attempt()
    } catch (thrown) {
      error = thrown
    }
    expect(error).toBeInstanceOf(api.SecretShareError)
    const { message, stack, cause, faults } = error as api.SecretShareError
    expect(leaks([message, stack, shown(cause), shown(faults), shown(error)].join('\n'))).toEqual([])
  }
})

test('the caller’s secret and key are not changed, and buffers are not shared with others', () => {
  const before = Uint8Array.from(secret)
  const found = api.combine(shares)
  expect(secret).toEqual(before)
  expect(found.secret.buffer.byteLength).toBe(32)
  expect(shares[0].toBytes().buffer.byteLength).toBe(shares[0].toBytes().length)
  found.secret.fill(0)
  expect(api.combine(shares).secret).toEqual(before)
})

test('what is printed for one holder shows no more than that share', () => {
  const html = recoverySheet(shares[0], { owner: 'Ada', holder: 'Ann', date: 'today' })
  expect(leaks(html)).toEqual([])
  expect(html.replaceAll(' ', '')).toContain(api.shareToText(shares[0]))
  expect(html.replaceAll(' ', '')).not.toContain(api.shareToText(shares[1]))
})
