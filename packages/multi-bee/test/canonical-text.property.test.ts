import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { MAX_DEPTH, toCanonicalJson } from '../src/merge/canonical-json.ts'
import { isCanonicalJson } from '../src/merge/canonical-text.ts'
import { canonicalJson } from './oracle/canonical-json.ts'
import { runs } from './support/property-runs.ts'

/** The definition: what is parsed and printed again is the same text. */
function isPrintedSo(text: string): boolean {
  try {
    return canonicalJson(JSON.parse(text)) === text
  } catch {
    return false
  }
}

describe('the check for canonical text says what parsing and printing it says', () => {
  test.each([
    [
      '',
      '"',
      '"\\',
      '"\\"',
      '"\\u12"',
      '"\u0000"',
      '"\n"',
      '"\\n"',
      '"\\u000a"',
      '"\\u0007"',
      '"/"',
      '"\\/"'
    ],
    [
      '"\ud83d\ude00"',
      '"\ud83d"',
      '"\ude00"',
      '"\\ud83d"',
      '"\\ud83d\\ude00"',
      '"\\uD83D"',
      '"\u2028\u007f"'
    ],
    [
      '0',
      '-0',
      '00',
      '01',
      '-',
      '+1',
      '1.',
      '.5',
      '0.5',
      '1.50',
      '1e3',
      '1e21',
      '1e+21',
      '1e+20',
      '1e-7',
      '1e-06'
    ],
    [
      '-1',
      '--1',
      '1-1',
      '1e400',
      '-1e400',
      '9007199254740993',
      '999999999999999',
      '1e',
      '5e-324',
      'NaN',
      'Infinity'
    ],
    ['true', 'tru', 'true ', 'truefalse', 'null', 'nul', 'undefined', ' 1', '1 ', '\ufeff1', '[]]', '{}{}'],
    [
      '[]',
      '[1,]',
      '[,1]',
      '[1 ,2]',
      '[',
      '[1',
      '{',
      '{}',
      '{,}',
      '{"a"}',
      '{"a":}',
      '{"a":1',
      '{"a":1,}',
      '{1:1}'
    ],
    ['{"a":1,"b":2}', '{"b":1,"a":2}', '{"a":1,"a":1}', '{"":0,"a":1}', '{"a":1,"a b":2}', '{"a b":1,"a":2}'],
    [
      '{"1":0,"10":1,"2":2}',
      '{"1":0,"2":1,"10":2}',
      '{"__proto__":1}',
      '{"\\n":0,"\\\\":1}',
      '{"\\\\":0,"\\n":1}'
    ]
  ])('of odd ones: %s', (...texts) => {
    for (const text of texts) expect([text, isCanonicalJson(text)]).toEqual([text, isPrintedSo(text)])
  })

  test('of documents', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 5, stringUnit: 'binary' }), (value) => {
        const text = toCanonicalJson(value) ?? ''
        expect(isCanonicalJson(text)).toBe(true)
      }),
      runs(1000)
    )
  })

  test('of documents with a unit changed, left out, put in or doubled', () => {
    const unit = fc.constantFrom(...'"\\{}[]:,0123456789.-+eEtfnu /\u0000\ud83d\ude00'.split(''))
    const edit = fc.record({
      at: fc.nat(1000),
      remove: fc.nat(2),
      insert: fc.oneof(fc.constant(''), unit, fc.constant('again'))
    })
    fc.assert(
      fc.property(
        fc.jsonValue({ maxDepth: 3, stringUnit: 'binary' }),
        fc.array(edit, { maxLength: 3 }),
        (value, edits) => {
          let text = toCanonicalJson(value) ?? ''
          for (const { at, remove, insert } of edits) {
            const place = at % (text.length + 1)
            const put = insert === 'again' ? text.slice(place, place + 4) : insert
            text = text.slice(0, place) + put + text.slice(place + remove)
          }
          expect(isCanonicalJson(text)).toBe(isPrintedSo(text))
        }
      ),
      runs(3000)
    )
  })

  test('of any units that mean something in JSON', () => {
    const unit = fc.constantFrom(...'"\\{}[]:,019.-+eEn \ud83d'.split(''), '"a"', '"b"', 'null', '\\u')
    fc.assert(
      fc.property(fc.array(unit, { maxLength: 8 }), (units) => {
        const text = units.join('')
        expect(isCanonicalJson(text)).toBe(isPrintedSo(text))
      }),
      runs(3000)
    )
  })

  test('of numbers', () => {
    const written = fc.tuple(
      fc.constantFrom('', '-'),
      fc.stringMatching(/^[0-9]{1,18}(\.[0-9]{1,3})?(e[-+]?[0-9]{1,3})?$/)
    )
    fc.assert(
      fc.property(
        fc.oneof(
          fc.double().map(String),
          written.map((parts) => parts.join(''))
        ),
        (text) => {
          expect(isCanonicalJson(text)).toBe(isPrintedSo(text))
        }
      ),
      runs(3000)
    )
  })
})

test('a document is as deep as one that can be written', () => {
  for (const [open, close] of [
    ['[', ']'],
    ['{"a":', '}']
  ] as const) {
    const nested = (depth: number): string => open.repeat(depth) + '0' + close.repeat(depth)
    expect(isCanonicalJson(nested(MAX_DEPTH))).toBe(true)
    expect(isCanonicalJson(nested(MAX_DEPTH + 1))).toBe(false)
    expect(isCanonicalJson(nested(1e6))).toBe(false)
  }
})
