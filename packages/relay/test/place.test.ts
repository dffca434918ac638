import { expect, test } from 'vitest'
import { placeOf } from '../src/paths/place.ts'

test('one IPv4 host is one place, however its address is written', () => {
  const written = ['203.0.113.1', '::ffff:203.0.113.1', '::ffff:cb00:7101']
  expect(new Set(written.map(placeOf)).size).toBe(1)
  expect(placeOf('::ffff:cb00:7101')).not.toBe(placeOf('::ffff:cb00:7102'))
})

test('an IPv6 network of 64 bits is one place, however its addresses are written', () => {
  const written = [
    '2001:db8::1',
    '2001:0db8:0000:0000:ffff::',
    '2001:DB8:0:0:1:2:192.0.2.1',
    '2001:db8::2%eth0'
  ]
  expect(new Set(written.map(placeOf))).toEqual(new Set(['2001:db8:0:0']))
  expect(placeOf('2001:db8:0:1::1')).toBe('2001:db8:0:1')
  expect(placeOf('::1')).toBe('0:0:0:0')
})
