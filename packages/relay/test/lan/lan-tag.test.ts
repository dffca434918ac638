import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { isLabelOf, labelOf } from '../../src/lan/lan-tag.ts'
import { keyPair } from '../replicas/records.ts'

const { publicKey } = keyPair(1)
const salt = Buffer.from('0001020304050607', 'hex')

test('a label is a salt and a hash, and the vector', () => {
  // Pinned from an independent BLAKE2b, Python's hashlib: blake2b(b'cloudpal/relay/lan/1\0' + salt + key, digest_size=32)[:16]
  expect(labelOf(publicKey, salt)).toBe('00010203040506075c090dfd56d668ea3b789c936dd533f6')
  expect(labelOf(publicKey)).toMatch(/^[0-9a-f]{48}$/)
})

test('who knows the key knows the label, and nobody sees the key or the same label twice', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), (key) => {
      const [one, two] = [labelOf(key), labelOf(key)]
      expect(isLabelOf(one, key)).toBe(true)
      expect(isLabelOf(one, publicKey)).toBe(false)
      expect(one).not.toBe(two)
      expect(one.slice(16)).not.toBe(two.slice(16))
    })
  )
})

test('what is no label is nobody’s', () => {
  const label = labelOf(publicKey, salt)
  const plain = createHash('sha256').update(publicKey).digest('hex')
  for (const wrong of ['', label.slice(1), `${label}0`, label.toUpperCase(), `x${label.slice(1)}`, plain]) {
    expect(isLabelOf(wrong, publicKey)).toBe(false)
  }
})
