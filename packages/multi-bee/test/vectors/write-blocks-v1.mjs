// Wrote blocks-v1.json, once: a second encoder, made from FORMAT.md alone, beside each decoded form. It refuses to write the file again:
// blocks that exist must decode the same way for ever. New vectors go to the end of the file by hand, or into a file of their own.
// In every string of the file, `{text*n}` stands for n times the text.
/* oxlint-disable no-useless-concat -- each literal is one field of a block */
import { createPrivateKey, createPublicKey, sign } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import Hypercore from 'hypercore'
import crypto from 'hypercore-crypto'

const A = '11'.repeat(32)
const B = '22'.repeat(32)
const C = '33'.repeat(32)
const D = '44'.repeat(32)
const TREE = '99'.repeat(32)

const le = (n, size) =>
  Array.from({ length: size }, (_, i) => byte(Number((BigInt(n) >> BigInt(8 * i)) & 0xffn))).join('')
const byte = (n) => n.toString(16).padStart(2, '0')
const uint = (n) =>
  n <= 0xfc ? byte(n) : n <= 0xffff ? 'fd' + le(n, 2) : n <= 0xffffffff ? 'fe' + le(n, 4) : 'ff' + le(n, 8)
const utf8 = (text) => Buffer.from(text).toString('hex')
const sized = (hex) => uint(hex.length / 2) + hex
const text = (string) => sized(utf8(string))
const list = (...items) => uint(items.length) + items.join('')

const time = (ms, counter = 0) => le(ms, 6) + le(counter, 2)
/** Start of a transaction that introduces nobody and raises nothing. */
const head = (ms, counter = 0) => '0100' + time(ms, counter) + '0000'
const key = text('k')
const put = (json, at = key) => '00' + at + text(json)
const putAt = (path, json) => '04' + key + text(path) + text(json)
const block = (...operations) => head(1) + list(...operations)
const records = (...all) => '0102' + time(1) + '0000' + list(...all) + '00'

/** An Ed25519 key pair from a seed, and the key of the core that it signs alone. */
function signer(seed) {
  const der = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), Buffer.alloc(32, seed)])
  const privateKey = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })
  const publicKey = createPublicKey(privateKey).export({ format: 'der', type: 'spki' }).subarray(-32)
  return {
    core: Hypercore.key(publicKey).toString('hex'),
    publicKey: publicKey.toString('hex'),
    sign: (hex) => sign(null, Buffer.from(hex, 'hex'), privateKey).toString('hex')
  }
}
const OLD = signer(1)
const OTHER = signer(2)
const words = utf8('cloudpal/multi-bee/succeed/1')
const SUCCEEDED = OLD.sign(words + OLD.core + A)
const succeed = '04' + OLD.core + OLD.publicKey + SUCCEEDED
const succeedWith = (signature) => records('04' + OLD.core + OLD.publicKey + signature)
const succession = { type: 'succeed', previous: OLD.core, publicKey: OLD.publicKey, signature: SUCCEEDED }
/** Another number that Ed25519's equation holds for: the second half plus the order of the group. */
function alike(signature) {
  const order = 2n ** 252n + 27742317777372353535851937790883648493n
  const scalar = BigInt('0x' + Buffer.from(signature.slice(64), 'hex').reverse().toString('hex'))
  return signature.slice(0, 64) + le(scalar + order, 32)
}

const flipped = (signature) => byte(Number('0x' + signature.slice(0, 2)) ^ 1) + signature.slice(2)
const ELSEWHERE = Hypercore.key(Buffer.from(OLD.publicKey, 'hex'), {
  namespace: Buffer.alloc(32, 1)
}).toString('hex')
/** The neutral element of the group. */
const NEUTRAL = '01' + '00'.repeat(31)
const WEAK = { publicKey: NEUTRAL, core: Hypercore.key(Buffer.from(NEUTRAL, 'hex')).toString('hex') }

/** BLAKE2b-256. */
const hash = (hex) => crypto.hash(Buffer.from(hex, 'hex')).toString('hex')
/** A node of a Merkle tree: over so many leaves from `start` on. */
const leaf = (start, data) => ({
  start,
  leaves: 1,
  size: data.length / 2,
  hash: hash('00' + le(data.length / 2, 8) + data)
})
const parent = (left, right) => ({
  start: left.start,
  leaves: 2 * left.leaves,
  size: left.size + right.size,
  hash: hash('01' + le(left.size + right.size, 8) + left.hash + right.hash)
})
const treeHash = (roots) =>
  hash(
    '02' +
      roots
        .map(({ start, leaves, size, hash }) => hash + le(2 * start + leaves - 1, 8) + le(size, 8))
        .join('')
  )

/** What covers the leaves from one to another, each node as high as it can be: from 0 on, the roots. */
function covering(from, to) {
  const found = []
  for (let start = from; start < to;) {
    let leaves = 1
    while (start % (2 * leaves) === 0 && start + 2 * leaves <= to) leaves *= 2
    found.push([start, leaves])
    start += leaves
  }
  return found
}

/** The roots that such nodes make, one after the other. */
function rootsOf(nodes) {
  const roots = []
  for (const node of nodes) {
    let last = node
    while (roots.at(-1)?.leaves === last.leaves && roots.at(-1).start % (2 * last.leaves) === 0)
      last = parent(roots.pop(), last)
    roots.push(last)
  }
  return roots
}

/** The tree of a log with these blocks. */
const real = (blocks) => (start, leaves) =>
  leaves === 1
    ? leaf(start, blocks[start])
    : parent(real(blocks)(start, leaves / 2), real(blocks)(start + leaves / 2, leaves / 2))
/** The tree of a log that nobody could fill: as good as any other, once it is signed. */
const madeUp =
  (name, size = 1) =>
  (start, leaves) => ({ start, leaves, size, hash: hash(utf8(`${name} ${start} ${leaves}`)) })

const TREES = hash(hash(utf8('hypercore')) + '00')
const signable = (core, roots, length, fork = 0) =>
  TREES + core + treeHash(roots) + le(length, 8) + le(fork, 8)
const nodesOf = (tree, differing, length) =>
  [...covering(0, differing), ...covering(differing, length)].map((place) => tree(...place))
const nodesHex = (nodes) => nodes.map(({ size, hash }) => uint(size) + hash).join('')
/** A copy of OLD's log, as a proof has it. */
function copy(tree, differing, length, { sign = OLD.sign, write = (signature) => signature } = {}) {
  const nodes = nodesOf(tree, differing, length)
  return uint(length) + nodesHex(nodes) + write(sign(signable(OLD.core, rootsOf(nodes), length)))
}
const proof = (differing, ...copies) => OLD.publicKey + uint(differing) + copies.join('')
const forkWith = (length, bytes, writer = OLD.core) =>
  '03' + writer + uint(length) + '00' + TREE + sized(bytes)
const forked = (length, bytes) => ({
  type: 'fork',
  writer: OLD.core,
  cutOff: { length, fork: 0, treeHash: TREE },
  proof: bytes
})

/** Two logs of OLD that part at block 2, and one that parts from the first at block 4. */
const common = ['00', '']
const MINE = real([...common, '6d', '6d696e65', '04', '05', '06', '07'])
const YOURS = real([...common, '79', '796f757273', '04', '05', '06', '07'])
const LATER = real([...common, '6d', '6d696e65', '40', '05', '06', '07'])
/** They differ at 3; the signatures are for 5 and 8. */
const PROOF = proof(3, copy(MINE, 3, 5), copy(YOURS, 3, 8))
const fork = forkWith(2, PROOF)
/** Two copies of one length, at which they differ. */
const even = (differing) =>
  proof(differing, ...['one', 'other'].map((name) => copy(madeUp(name), differing, differing)))
const unevenly = (differing, one, other, options) =>
  proof(differing, copy(madeUp('one'), differing, one, options), copy(madeUp('other'), differing, other))
const MOST = 2 ** 48
const longer =
  OLD.publicKey +
  'fd0100' +
  ['one', 'other']
    .map((name) => 'ff0100000000000000' + 'fe01000000' + copy(madeUp(name), 1, 1).slice(4))
    .join('')

const K = '6b'
const document = (json, path = []) => ({ key: K, path, value: { document: json } })
const plain = (seq, ms, operations, rest = {}) => ({
  seq,
  length: 1,
  ms,
  counter: 0,
  context: {},
  membership: [],
  operations,
  ...rest
})
const log = (name, blocks, transactions, rest = {}) => ({ name, writer: A, ...rest, blocks, transactions })

const letters = (bytes) => `"{a*${bytes - 2}}"`
const lettersHex = (bytes) => `22{61*${bytes - 2}}22`
const bigPut = (bytes) => '00' + key + uint(bytes) + lettersHex(bytes)
const names = ['__proto__', '', '/', '\ud800', '\u{1f600}', '\u2028', '\u0001', '\u007f', '"\\']

const logs = [
  log(
    'a genesis without an owner',
    ['0102' + time(1700000000000, 7) + '0000' + list('0000' + text('phone')) + '00'],
    [
      plain(0, 1700000000000, [], {
        counter: 7,
        membership: [{ type: 'genesis', deleteWins: false, ownerKey: null, name: 'phone' }]
      })
    ]
  ),
  log(
    'a genesis with an owner, where deletes win',
    [records('0003' + B + text('Ada’s phone'))],
    [
      plain(0, 1, [], {
        membership: [{ type: 'genesis', deleteWins: true, ownerKey: B, name: 'Ada’s phone' }]
      })
    ]
  ),
  log(
    'a genesis that adds two devices at once',
    [records('0000' + text(''), '01' + B + text('b'), '01' + C + 'fd0001' + '{63*256}')],
    [
      plain(0, 1, [], {
        membership: [
          { type: 'genesis', deleteWins: false, ownerKey: null, name: '' },
          { type: 'add', writer: B, name: 'b' },
          { type: 'add', writer: C, name: '{c*256}' }
        ]
      })
    ]
  ),
  log(
    'a removal',
    [records('02' + B + uint(70000) + '00' + TREE)],
    [
      plain(0, 1, [], {
        membership: [{ type: 'remove', writer: B, cutOff: { length: 70000, fork: 0, treeHash: TREE } }]
      })
    ]
  ),
  log(
    'a put of a document',
    [head(1000) + list(put('{"name":"Ada","phones":["1","2"]}'))],
    [plain(0, 1000, [document('{"name":"Ada","phones":["1","2"]}')])]
  ),
  log(
    'a put under the empty key',
    [head(1000) + list('00' + '00' + text('0'))],
    [plain(0, 1000, [{ key: '', path: [], value: { document: '0' } }])]
  ),
  log(
    'an assign at a nested path',
    [head(1000) + list(putAt('"a""b"', '{}'))],
    [plain(0, 1000, [document('{}', ['a', 'b'])])]
  ),
  log(
    'an unset',
    [head(1000) + list('05' + key + text('"a"'))],
    [plain(0, 1000, [{ key: K, path: ['a'], value: null }])]
  ),
  log('a del', [head(1000) + list('01' + key)], [plain(0, 1000, [{ key: K, path: [], value: null }])]),
  log(
    'opaque values, one of them empty',
    [head(1000) + list('02' + key + sized('00ff'), '02' + text('l') + '00')],
    [
      plain(0, 1000, [
        { key: K, path: [], value: { opaque: '00ff' } },
        { key: '6c', path: [], value: { opaque: '' } }
      ])
    ]
  ),
  log('a transaction without operations', [head(1000) + '00'], [plain(0, 1000, [])]),
  log(
    'writers that are introduced, and a context that is raised',
    [
      '0100' + time(5) + list(B, C) + list(uint(1) + uint(3), uint(2) + uint(65536)) + '00',
      '0100' + time(6) + '00' + list(uint(2) + uint(4294967296)) + list(put('1')),
      '0100' + time(7) + list(D) + list(uint(1) + uint(4), uint(3) + uint(9007199254740991)) + '00'
    ],
    [
      plain(0, 5, [], { context: { [B]: 3, [C]: 65536 } }),
      plain(1, 6, [document('1')], { context: { [A]: 1, [B]: 3, [C]: 4294967296 } }),
      plain(2, 7, [], { context: { [A]: 2, [B]: 4, [C]: 4294967296, [D]: 9007199254740991 } })
    ]
  ),
  log(
    'operations made against older reads',
    [
      head(5) + list(put('{"a":1}')),
      '0100' +
        time(6) +
        list(B) +
        list(uint(1) + uint(9)) +
        list(
          '08' + key + list(uint(0) + uint(1), uint(1) + uint(2)) + text('1'),
          '0d' + key + text('"a"') + list(uint(1) + uint(9)),
          '0a' + text('o') + '00' + '00',
          '09' + key + '00'
        )
    ],
    [
      plain(0, 5, [document('{"a":1}')]),
      plain(
        1,
        6,
        [
          { ...document('1'), seen: { [A]: 1, [B]: 2 } },
          { key: K, path: ['a'], value: null, seen: { [B]: 9 } },
          { key: '6f', path: [], value: { opaque: '' }, seen: {} },
          { key: K, path: [], value: null, seen: {} }
        ],
        { context: { [A]: 1, [B]: 9 } }
      )
    ]
  ),
  log(
    'a chain of 3',
    [
      '0104' + time(1) + '03' + '0000' + '01' + bigPut(614400),
      '0101' + '01' + bigPut(614400),
      '0101' + '02' + bigPut(614400) + '01' + key,
      head(2) + '00'
    ],
    [
      plain(
        0,
        1,
        [
          document(letters(614400)),
          document(letters(614400)),
          document(letters(614400)),
          { key: K, path: [], value: null }
        ],
        { length: 3 }
      ),
      plain(3, 2, [], { context: { [A]: 3 } })
    ]
  ),
  log(
    'a chain with membership, and operations with every flag',
    [
      '0106' +
        time(1, 65535) +
        '02' +
        list(B) +
        list(uint(1) + uint(1)) +
        list('01' + C + text('c')) +
        '01' +
        bigPut(1048576),
      '0101' +
        list(
          '02' + key + sized('00'),
          '0c' + key + text('"a"') + list(uint(1) + uint(1)) + text('2'),
          '0a' + key + '00' + '00',
          '0d' + key + text('"b"') + '00'
        )
    ],
    [
      plain(
        0,
        1,
        [
          document(letters(1048576)),
          { key: K, path: [], value: { opaque: '00' } },
          { ...document('2', ['a']), seen: { [B]: 1 } },
          { key: K, path: [], value: { opaque: '' }, seen: {} },
          { key: K, path: ['b'], value: null, seen: {} }
        ],
        {
          length: 2,
          counter: 65535,
          context: { [B]: 1 },
          membership: [{ type: 'add', writer: C, name: 'c' }]
        }
      )
    ]
  ),
  log(
    'field names of every kind',
    [head(1) + list(...names.map((name) => putAt(JSON.stringify(name), 'null')), put(canonicalMap()))],
    [plain(0, 1, [...names.map((name) => document('null', [name])), document(canonicalMap())])]
  ),
  log(
    'a path 128 deep, and a value 128 deep',
    [
      head(1) +
        list('04' + key + 'fd8001' + '{226122*128}' + text('1'), '00' + key + 'fd0001' + '{5b*128}{5d*128}')
    ],
    [
      plain(0, 1, [
        document(
          '1',
          Array.from({ length: 128 }, () => 'a')
        ),
        document('{[*128}{]*128}')
      ])
    ]
  ),
  log(
    'numbers as JSON.stringify prints them',
    [head(1) + list(put('[0,-0.5,1e+21,1e-7,123456789012345680000,5e-324,1.7976931348623157e+308]'))],
    [plain(0, 1, [document('[0,-0.5,1e+21,1e-7,123456789012345680000,5e-324,1.7976931348623157e+308]')])]
  ),
  log(
    'the longest key, and lengths of 3 bytes',
    [head(1) + list('01' + 'fd0040' + '{6b*16384}', '01' + 'fdfd00' + '{6b*253}', '01' + 'fc' + '{6b*252}')],
    [
      plain(0, 1, [
        { key: '{6b*16384}', path: [], value: null },
        { key: '{6b*253}', path: [], value: null },
        { key: '{6b*252}', path: [], value: null }
      ])
    ]
  ),
  log(
    'the greatest time',
    ['0100' + 'ffffffffffff' + 'ffff' + '0000' + '00'],
    [plain(0, 281474976710655, [], { counter: 65535 })]
  ),
  log(
    'a fork',
    [records('03' + OLD.core + uint(70000) + '02' + TREE + sized(even(70001)))],
    [
      plain(0, 1, [], {
        membership: [{ ...forked(70000, even(70001)), cutOff: { length: 70000, fork: 2, treeHash: TREE } }]
      })
    ]
  ),
  log(
    'a fork whose copies are signed at lengths greater than the one at which they differ',
    [records(fork)],
    [plain(0, 1, [], { membership: [forked(2, PROOF)] })]
  ),
  log(
    'forks of one log, at 0, at the last 64 blocks before it differs, and at the greatest length',
    [
      records(
        forkWith(0, even(1)),
        forkWith(0, even(64)),
        forkWith(3, proof(5, copy(LATER, 5, 8), copy(MINE, 5, 5))),
        forkWith(6, unevenly(70, 1000, 70)),
        forkWith(69, unevenly(70, 70, 1024)),
        forkWith(MOST - 2, unevenly(MOST - 1, MOST - 1, MOST)),
        forkWith(MOST - 1, even(MOST)),
        forkWith(2 ** 31, unevenly(2 ** 31 + 1, 2 ** 33 + 5, MOST))
      )
    ],
    [
      plain(0, 1, [], {
        membership: [
          forked(0, even(1)),
          forked(0, even(64)),
          forked(3, proof(5, copy(LATER, 5, 8), copy(MINE, 5, 5))),
          forked(6, unevenly(70, 1000, 70)),
          forked(69, unevenly(70, 70, 1024)),
          forked(MOST - 2, unevenly(MOST - 1, MOST - 1, MOST)),
          forked(MOST - 1, even(MOST)),
          forked(2 ** 31, unevenly(2 ** 31 + 1, 2 ** 33 + 5, MOST))
        ]
      })
    ]
  ),
  log('an admit', [records('05' + B)], [plain(0, 1, [], { membership: [{ type: 'admit', writer: B }] })]),
  log(
    'a log that goes on from another one',
    [records(succeed)],
    [plain(0, 1, [], { membership: [succession] })]
  ),
  log(
    'a log that goes on from another one, with all that a first block may have',
    [
      '0102' +
        time(7, 1) +
        list(OLD.core, C) +
        list(uint(1) + uint(5), uint(2) + uint(1)) +
        list(succeed, '01' + B + text('b'), '02' + OLD.core + '05' + '00' + TREE, fork) +
        list(put('1')),
      head(8) + '00'
    ],
    [
      plain(0, 7, [document('1')], {
        counter: 1,
        context: { [OLD.core]: 5, [C]: 1 },
        membership: [
          succession,
          { type: 'add', writer: B, name: 'b' },
          { type: 'remove', writer: OLD.core, cutOff: { length: 5, fork: 0, treeHash: TREE } },
          forked(2, PROOF)
        ]
      }),
      plain(1, 8, [], { context: { [OLD.core]: 5, [C]: 1, [A]: 1 } })
    ]
  ),

  // From here on: what this package reads and does not write.
  log(
    'a chain that begins a log that goes on from another one',
    ['0106' + time(1) + '02' + '0000' + list(succeed) + '00', '0101' + list(put('1'))],
    [plain(0, 1, [document('1')], { length: 2, membership: [succession] })],
    { readOnly: true }
  ),
  log(
    'a log that goes on from another one, and a genesis',
    [records(succeed, '0000' + text(''))],
    [
      plain(0, 1, [], {
        membership: [succession, { type: 'genesis', deleteWins: false, ownerKey: null, name: '' }]
      })
    ],
    { readOnly: true }
  ),
  log(
    'a time that goes back counts as the greatest before it',
    [head(1000, 5) + '00', head(1000, 4) + '00', head(999, 9) + '00', head(1000, 6) + '00'],
    [
      plain(0, 1000, [], { counter: 5 }),
      plain(1, 1000, [], { counter: 5, context: { [A]: 1 } }),
      plain(2, 1000, [], { counter: 5, context: { [A]: 2 } }),
      plain(3, 1000, [], { counter: 6, context: { [A]: 3 } })
    ],
    { readOnly: true }
  ),
  log(
    'integers that are not in their shortest form',
    [
      '0100' +
        time(1) +
        'fd0000' +
        'fe00000000' +
        'ff0100000000000000' +
        '00' +
        'fd0100' +
        '6b' +
        'fd0100' +
        '31'
    ],
    [plain(0, 1, [document('1')])],
    {
      readOnly: true
    }
  ),
  log(
    'a writer that is introduced and not used, and raises that raise nothing',
    [
      '0100' + time(1) + list(B) + '00' + '00',
      '0100' + time(2) + '00' + list(uint(1) + uint(5), uint(1) + uint(4), uint(1) + uint(0)) + '00'
    ],
    [plain(0, 1, []), plain(1, 2, [], { context: { [A]: 1, [B]: 5 } })],
    { readOnly: true }
  ),
  log(
    'a seen beyond the context is lowered to it, and the last of several counts',
    [
      '0100' +
        time(1) +
        list(B) +
        list(uint(1) + uint(3)) +
        list(
          '08' + key + list(uint(1) + uint(99), uint(0) + uint(7)) + text('1'),
          '08' + key + list(uint(1) + uint(3), uint(1) + uint(2)) + text('1')
        )
    ],
    [
      plain(
        0,
        1,
        [
          { ...document('1'), seen: { [B]: 3 } },
          { ...document('1'), seen: { [B]: 2 } }
        ],
        { context: { [B]: 3 } }
      )
    ],
    { readOnly: true }
  ),
  log(
    'the numbers in a proof of a fork are not in their shortest form',
    [records(forkWith(0, longer))],
    [plain(0, 1, [], { membership: [forked(0, longer)] })],
    {}
  ),
  log(
    'operations that overlap',
    [head(1) + list(put('{"a":1}'), putAt('"a"', '2'), '01' + key)],
    [plain(0, 1, [document('{"a":1}'), document('2', ['a']), { key: K, path: [], value: null }])],
    {}
  ),
  log(
    'a chain of small blocks, one without operations',
    ['0104' + time(1) + '03' + '0000' + '00', '0101' + '00', '0101' + list(put('1')), head(2) + '00'],
    [plain(0, 1, [document('1')], { length: 3 }), plain(3, 2, [], { context: { [A]: 3 } })],
    { readOnly: true }
  ),
  log(
    'a malformed block between others has the time and context of the one before it',
    [
      '0100' + time(9, 3) + list(B) + list(uint(1) + uint(2)) + list(put('1')),
      '0100' + time(10, 0) + list(C) + list(uint(2) + uint(7)) + list('10'),
      '0100' + time(4, 0) + list(D) + list(uint(2) + uint(1)) + '00'
    ],
    [
      plain(0, 9, [document('1')], { counter: 3, context: { [B]: 2 } }),
      plain(1, 9, [], { counter: 3, context: { [A]: 1, [B]: 2 }, malformed: true }),
      plain(2, 9, [], { counter: 3, context: { [A]: 2, [B]: 2, [D]: 1 } })
    ],
    { readOnly: true }
  ),
  log(
    'a chain that is cut short is malformed block by block; what cut it is read',
    ['0104' + time(1) + '03' + '0000' + list(put('1')), '0101' + list(put('2')), head(2) + list(put('3'))],
    [
      plain(0, 0, [], { malformed: true }),
      plain(1, 0, [], { context: { [A]: 1 }, malformed: true }),
      plain(2, 2, [document('3')], { context: { [A]: 2 } })
    ],
    { readOnly: true }
  ),
  log(
    'a chain of which not all is there is not read',
    ['0104' + time(1) + '03' + '0000' + list(put('1')), '0101' + '00'],
    [],
    { readOnly: true, more: 3 }
  )
]

/** `sound` differs in the one thing that makes `block` malformed, and is not. */
const malformed = [
  bad('an empty block', '', block()),
  bad('a version and nothing else', '01', block()),
  bad('a time that is cut off', '0100' + '0000000000', block()),
  bad('a continuation where a transaction begins', '010100', block()),
  bad('an unknown flag', '0108' + time(1) + '0000' + '00', block()),
  bad(
    'the flags of a continuation and of membership at once',
    '0103' + time(1) + '0000' + list('01' + B + text('')) + '00',
    records('01' + B + text(''))
  ),
  bad('a chain of 0', '0104' + time(1) + '00' + '0000' + '00', block()),
  bad('a chain of 1', '0104' + time(1) + '01' + '0000' + '00', block()),
  bad('a chain of 65', '0104' + time(1) + '41' + '0000' + '00', '0104' + time(1) + '02' + '0000' + '00', {
    next: ['010100']
  }),
  bad('a chain whose second block is no continuation', '0104' + time(1) + '02' + '0000' + '00', null, {
    next: [head(1) + '00']
  }),
  bad('a chain whose second block has another version', '0104' + time(1) + '02' + '0000' + '00', null, {
    next: ['020100']
  }),
  bad('a chain whose second block is empty', '0104' + time(1) + '02' + '0000' + '00', null, { next: [''] }),
  bad(
    'a chain whose second block goes on after its operations',
    '0104' + time(1) + '02' + '0000' + '00',
    null,
    { next: ['01010000'] }
  ),
  bad('a chain whose second block has a flag besides', '0104' + time(1) + '02' + '0000' + '00', null, {
    next: ['010300']
  }),
  bad('more than 1024 writers in one log', '0100' + time(1) + uint(1024) + '{22*32768}' + '00' + '00', null),
  bad(
    'a context of more than 1024 raises',
    '0100' + time(1) + list(B) + uint(1025) + '{0101*1025}' + '00',
    '0100' + time(1) + list(B) + uint(1024) + '{0101*1024}' + '00'
  ),
  bad(
    'a writer introduced twice',
    '0100' + time(1) + list(B, B) + '00' + '00',
    '0100' + time(1) + list(B, C) + '00' + '00'
  ),
  bad(
    'a log that introduces its own writer',
    '0100' + time(1) + list(A) + '00' + '00',
    '0100' + time(1) + list(B) + '00' + '00'
  ),
  bad(
    'a writer introduced in an earlier block',
    '0100' + time(2) + list(B) + '00' + '00',
    '0100' + time(2) + list(C) + '00' + '00',
    { after: ['0100' + time(1) + list(B) + '00' + '00'] }
  ),
  bad(
    'a context that raises the own log',
    '0100' + time(1) + list(B) + list(uint(0) + uint(1)) + '00',
    '0100' + time(1) + list(B) + list(uint(1) + uint(1)) + '00'
  ),
  bad(
    'a context of a writer that was not introduced',
    '0100' + time(1) + list(B) + list(uint(2) + uint(1)) + '00',
    '0100' + time(1) + list(B) + list(uint(1) + uint(1)) + '00'
  ),
  bad(
    'an integer of 2^53',
    '0100' + time(1) + list(B) + list(uint(1) + 'ff00000000000020' + '00') + '00',
    '0100' + time(1) + list(B) + list(uint(1) + 'ffffffffffffff1f00') + '00'
  ),
  bad(
    'an integer of 2^64 - 1',
    '0100' + time(1) + list(B) + list(uint(1) + 'ffffffffffffffffff') + '00',
    null
  ),
  bad('an integer that is cut off', '0100' + time(1) + '00' + '00' + 'fd01', null),
  bad(
    'a membership flag without records',
    '0102' + time(1) + '0000' + '00' + '00',
    records('01' + B + text(''))
  ),
  bad(
    'more than 1024 membership records',
    '0102' + time(1) + '0000' + uint(1025) + `{01${B}00*1025}` + '00',
    '0102' + time(1) + '0000' + uint(1024) + `{01${B}00*1024}` + '00'
  ),
  bad('a membership record of an unknown type', records('06' + B), records('05' + B)),
  bad('a genesis with an unknown flag', records('0004' + text('')), records('0001' + text(''))),
  bad(
    'a genesis whose owner is cut off',
    '0102' + time(1) + '0000' + '01' + '0002' + '22',
    records('0002' + B + text(''))
  ),
  bad(
    'a name of 257 bytes',
    records('01' + B + 'fd0101' + '{61*257}'),
    records('01' + B + 'fd0001' + '{61*256}')
  ),
  bad('a name that is not UTF-8', records('01' + B + sized('c328')), records('01' + B + sized('c3a8'))),
  bad(
    'a removal whose tree hash is cut off',
    '0102' + time(1) + '0000' + '01' + '02' + B + '01' + '00' + '99',
    records('02' + B + '01' + '00' + TREE)
  ),
  bad(
    'a fork whose tree hash is cut off',
    '0102' + time(1) + '0000' + '01' + '03' + OLD.core + '02' + '00' + '99',
    records(fork)
  ),
  ...forgeries(),
  bad('an admit whose writer is cut off', '0102' + time(1) + '0000' + '01' + '05' + '22', records('05' + B)),
  bad('an admit with a name', records('05' + B + text('b')), records('01' + B + text('b'))),
  bad('a succeed after an admit', records('05' + B, succeed), records(succeed, '05' + B)),
  bad('a succeed after another record', records('01' + B + '00', succeed), records(succeed, '01' + B + '00')),
  bad('a succeed after a succeed', records(succeed, succeed), records(succeed)),
  bad('a succeed in the second block', records(succeed), records('01' + B + '00'), { after: [block()] }),
  bad(
    'a succeed in a chain that is not at the beginning',
    '0106' + time(1) + '02' + '0000' + list(succeed) + '00',
    null,
    {
      after: [block()],
      next: ['010100']
    }
  ),
  bad(
    'a succeed with a public key that does not make the log',
    records('04' + OLD.core + OTHER.publicKey + OTHER.sign(words + OLD.core + A)),
    records('04' + OTHER.core + OTHER.publicKey + OTHER.sign(words + OTHER.core + A))
  ),
  bad(
    'a succeed of a log of manifest version 0, whose key is the public key',
    records('04' + OLD.publicKey + OLD.publicKey + OLD.sign(words + OLD.publicKey + A)),
    records(succeed)
  ),
  bad(
    'a succeed of a log whose signer has another namespace',
    records('04' + ELSEWHERE + OLD.publicKey + OLD.sign(words + ELSEWHERE + A)),
    records(succeed)
  ),
  bad(
    'a succeed that another key pair signed',
    succeedWith(OTHER.sign(words + OLD.core + A)),
    records(succeed)
  ),
  bad(
    'a succeed that is signed for another log',
    succeedWith(OLD.sign(words + OLD.core + B)),
    records(succeed)
  ),
  bad(
    'a succeed that is signed the wrong way round',
    succeedWith(OLD.sign(words + A + OLD.core)),
    records(succeed)
  ),
  bad('a succeed that is signed without the words', succeedWith(OLD.sign(OLD.core + A)), records(succeed)),
  bad(
    'a succeed whose words have another version',
    succeedWith(OLD.sign(utf8('cloudpal/multi-bee/succeed/2') + OLD.core + A)),
    records(succeed)
  ),
  bad('a succeed whose signature has one bit wrong', succeedWith(flipped(SUCCEEDED)), records(succeed)),
  bad('a succeed whose signature is not reduced', succeedWith(alike(SUCCEEDED)), records(succeed)),
  bad(
    'a succeed with a public key of small order, for which a signature of nothing holds',
    records('04' + WEAK.core + WEAK.publicKey + WEAK.publicKey + '00'.repeat(32)),
    records(succeed)
  ),
  bad(
    'a succeed whose signature is cut off',
    '0102' + time(1) + '0000' + '01' + succeed.slice(0, -2),
    records(succeed)
  ),
  bad('an operation with an unknown flag', block('10' + key), block('01' + key)),
  bad('an unset of an opaque value', block('03' + key), block('01' + key)),
  bad('an opaque value at a path', block('06' + key + text('"a"') + '00'), block('02' + key + '00')),
  bad(
    'a key of 16385 bytes',
    head(1) + '01' + '01' + 'fd0140' + '{6b*16385}',
    head(1) + '01' + '01' + 'fd0040' + '{6b*16384}'
  ),
  bad('a key that is cut off', head(1) + '01' + '01' + '02' + '6b', block('01' + key)),
  bad('fewer operations than are counted', head(1) + '02' + '01' + key, block('01' + key)),
  bad('bytes after the last operation', block('01' + key) + '00', block('01' + key)),
  bad('2^53 - 1 operations', head(1) + 'ffffffffffffff1f00' + '01' + key, block('01' + key)),
  bad(
    'more than 2^20 operations',
    head(1) + uint(1048577) + '{0100*1048577}',
    head(1) + uint(1048576) + '{0100*1048576}'
  ),
  bad(
    'more than 2^20 operations in a chain',
    '0104' + time(1) + '02' + '0000' + uint(1048576) + '{0100*1048576}',
    null,
    { next: ['01010101' + key] }
  ),
  bad('a path that is there and empty', block('05' + key + '00'), block('05' + key + text('""'))),
  bad('a path without quotes', block('05' + key + text('a')), block('05' + key + text('"a"'))),
  bad(
    'a path with something between its names',
    block('05' + key + text('"a","b"')),
    block('05' + key + text('"a""b"'))
  ),
  bad(
    'a path whose last name does not end',
    block('05' + key + text('"a""b')),
    block('05' + key + text('"a""b"'))
  ),
  bad(
    'a path with a name that could be written shorter',
    block('05' + key + text('"\\u0061"')),
    block('05' + key + text('"\\u0001"'))
  ),
  bad(
    'a path with a bare control character',
    block('05' + key + text('"\n"')),
    block('05' + key + text('"\\n"'))
  ),
  bad('a path that is not UTF-8', block('05' + key + sized('22ff22')), block('05' + key + text('"ÿ"'))),
  bad(
    'a path 129 deep',
    head(1) + '01' + '05' + key + 'fd8301' + '{226122*129}',
    head(1) + '01' + '05' + key + 'fd8001' + '{226122*128}'
  ),
  bad(
    'a path and a value of more than 8 MiB together',
    head(1) + '01' + '04' + key + text('"a"') + uint(8388606) + lettersHex(8388606),
    head(1) + '01' + '04' + key + text('"a"') + uint(8388605) + lettersHex(8388605)
  ),
  bad('a value of more than 8 MiB', head(1) + '01' + bigPut(8388609), head(1) + '01' + bigPut(8388608)),
  bad(
    'a block of more than 15 MiB',
    head(1) + '02' + bigPut(8388608) + bigPut(7340032 - 28),
    head(1) + '02' + bigPut(8388608) + bigPut(7340032 - 29)
  ),
  bad(
    'a seen with more entries than the log knows writers',
    block('09' + key + list('0000', '0000')),
    block('09' + key + list('0000'))
  ),
  bad(
    'a seen with a writer the log does not know',
    block('09' + key + list('0100')),
    block('09' + key + list('0000'))
  ),
  bad('a value without JSON', block(put('')), block(put('0'))),
  bad('a value that is no JSON', block(put('undefined')), block(put('null'))),
  bad('a value that is not UTF-8', block('00' + key + sized('22ff22')), block(put('"ÿ"'))),
  bad('a value with a bare surrogate', block('00' + key + sized('22eda08022')), block(put('"\\ud800"'))),
  bad(
    'a value with a byte order mark before it',
    block('00' + key + sized('efbbbf30')),
    block('00' + key + sized('22efbbbf22'))
  ),
  bad('white space', block(put('{"a": 1}')), block(put('{"a":1}'))),
  bad('fields that are out of order', block(put('{"b":1,"a":2}')), block(put('{"a":2,"b":1}'))),
  bad('fields ordered by their bare names', block(put('{"a":1,"a!":2}')), block(put('{"a!":2,"a":1}'))),
  bad('a field that is there twice', block(put('{"a":1,"a":1}')), block(put('{"a":1}'))),
  bad('1.0', block(put('1.0')), block(put('1'))),
  bad('1e5', block(put('1e5')), block(put('100000'))),
  bad('1E21', block(put('1E+21')), block(put('1e+21'))),
  bad('-0', block(put('-0')), block(put('0'))),
  bad('a number beyond a double', block(put('1e400')), block(put('1e+300'))),
  bad('more digits than a double has', block(put('0.10000000000000001')), block(put('0.1'))),
  bad('an escape that is not needed', block(put('"\\/"')), block(put('"/"'))),
  bad('an escape in capitals', block(put('"\\uD800"')), block(put('"\\ud800"'))),
  bad('a pair of surrogates as escapes', block(put('"\\ud83d\\ude00"')), block(put('"\u{1f600}"'))),
  bad(
    'a value 129 deep',
    head(1) + '01' + '00' + key + 'fd0201' + '{5b*129}{5d*129}',
    head(1) + '01' + '00' + key + 'fd0001' + '{5b*128}{5d*128}'
  )
]

const unknown = [
  { name: 'version 2', block: '02', version: 2 },
  { name: 'version 0', block: '00' + block().slice(2), version: 0 },
  { name: 'version 255', block: 'ff' + block().slice(2), version: 255 },
  { name: 'a continuation of version 2', block: '020100', version: 2 }
]

/** Records of the view; writers are numbers of this device's own. */
const dot = (writer, seq, index, ms, counter) =>
  uint(writer) + uint(seq) + uint(index) + le(ms, 6) + le(counter, 2)
const records1 = [
  {
    name: 'one assign of the whole entry',
    hex: uint(300) + '07' + text('{"a":1}') + dot(2, 70000, 1, 1700000000000, 3),
    stored: {
      version: 300,
      shown: { document: '{"a":1}' },
      whole: { writer: 2, seq: 70000, index: 1, ms: 1700000000000, counter: 3 }
    }
  },
  {
    name: 'an opaque value',
    hex: uint(1) + '05' + sized('00ff') + dot(0, 0, 0, 1, 0),
    stored: {
      version: 1,
      shown: { opaque: '00ff' },
      whole: { writer: 0, seq: 0, index: 0, ms: 1, counter: 0 }
    }
  },
  {
    name: 'an entry that was deleted',
    hex: uint(4) + '00' + '00' + '01' + dot(0, 3, 0, 9, 0) + text('') + '00',
    stored: {
      version: 4,
      shown: null,
      elements: [],
      tombstones: [{ writer: 0, seq: 3, index: 0, ms: 9, counter: 0, path: '', over: [] }]
    }
  },
  {
    name: 'a map with two rivals at a field, one of which is opposed by a deletion',
    hex:
      uint(9) +
      '03' +
      text('{"a":2}') +
      '03' +
      dot(0, 1, 0, 5, 0) +
      text('') +
      '00' +
      dot(0, 2, 0, 6, 0) +
      text('"a"') +
      '03' +
      text('1') +
      dot(1, 0, 0, 6, 0) +
      text('"a"') +
      '03' +
      text('2') +
      '01' +
      dot(0, 3, 0, 7, 1) +
      text('"a"') +
      list('02'),
    stored: {
      version: 9,
      shown: { document: '{"a":2}' },
      elements: [
        { writer: 0, seq: 1, index: 0, ms: 5, counter: 0, path: '', value: null },
        { writer: 0, seq: 2, index: 0, ms: 6, counter: 0, path: '"a"', value: { document: '1' } },
        { writer: 1, seq: 0, index: 0, ms: 6, counter: 0, path: '"a"', value: { document: '2' } }
      ],
      tombstones: [{ writer: 0, seq: 3, index: 0, ms: 7, counter: 1, path: '"a"', over: [2] }]
    }
  }
]

const candidates = [
  { name: 'a candidate', hex: '01' + B + text('Laptop'), message: { writer: B, name: 'Laptop' } },
  { name: 'a candidate without a name', hex: '01' + B + '00', message: { writer: B, name: '' } },
  { name: 'another version', hex: '02' + B + '00', message: null },
  { name: 'bytes after the name', hex: '01' + B + '00' + '00', message: null },
  { name: 'a key that is cut off', hex: '01' + '22', message: null },
  { name: 'a name of 257 bytes', hex: '01' + B + 'fd0101' + '{61*257}', message: null },
  { name: 'a name that is not UTF-8', hex: '01' + B + sized('ff'), message: null }
]

/** Proofs of a fork that prove none. */
function forgeries() {
  const mine = copy(MINE, 3, 5)
  const yours = copy(YOURS, 3, 8)
  const forged = (name, bytes, length = 2, sound = fork) =>
    bad(`a fork ${name}`, records(forkWith(length, bytes)), records(sound))
  const signedAs = (change) => ({
    sign: () => OLD.sign(change(signable(OLD.core, rootsOf(nodesOf(YOURS, 3, 8)), 8)))
  })
  const short = (tree) =>
    uint(2) + nodesHex(nodesOf(tree, 3, 3)) + OLD.sign(signable(OLD.core, rootsOf(nodesOf(tree, 3, 3)), 2))
  const leafByLeaf = [0, 1, 2, 3].map((start) => YOURS(4 + start, 1))
  const [first, second, ...others] = nodesOf(YOURS, 3, 8)
  const given = (nodes) =>
    uint(8) + nodesHex(nodes) + OLD.sign(signable(OLD.core, rootsOf(nodesOf(YOURS, 3, 8)), 8))
  // As anybody can, who has a copy of the log: what is signed stays what it was.
  const moved = (...bytes) =>
    mine.slice(0, 2) +
    nodesHex(nodesOf(MINE, 3, 5).map((node, i) => ({ ...node, size: node.size + (bytes[i] ?? 0) }))) +
    mine.slice(-128)
  const heavy = (size) => proof(1, copy(madeUp('one', size), 1, 2), copy(madeUp('other'), 1, 1))
  const before = '0102' + time(1) + '0000' + '01' + '03' + OLD.core + '02' + '00' + TREE
  return [
    bad('a fork without a proof', before + '00', records(fork)),
    forged('with a proof of no bytes', ''),
    forged('of which both copies are one', proof(3, mine, mine)),
    forged('of which the copies differ only later', proof(3, mine, copy(LATER, 3, 8))),
    forged('of which both copies are one, at two lengths', proof(3, mine, copy(MINE, 3, 8))),
    forged('of which one copy has bytes of a root moved to the next node', proof(3, mine, moved(0, -1, 1))),
    forged('of which one copy has bytes of a root moved to the next root', proof(3, moved(-1, 1), mine)),
    forged('of which one copy has bytes moved, at two lengths', proof(3, copy(MINE, 3, 8), moved(0, 1, -1))),
    forged('of which sizes add up to 2^53', heavy(2 ** 52), 0, forkWith(0, heavy(2 ** 52 - 1))),
    bad(
      'a fork of another log than the public key makes',
      records(forkWith(2, PROOF, OTHER.core)),
      records(fork)
    ),
    bad(
      'a fork of a log of manifest version 0, whose key is the public key',
      records(forkWith(2, PROOF, OLD.publicKey)),
      records(fork)
    ),
    bad(
      'a fork of a log whose signer has another namespace',
      records(forkWith(2, PROOF, ELSEWHERE)),
      records(fork)
    ),
    forged('with the public key of another', OTHER.publicKey + PROOF.slice(64)),
    forged(
      'of which another key pair signed the first copy',
      proof(3, copy(MINE, 3, 5, { sign: OTHER.sign }), yours)
    ),
    forged(
      'of which another key pair signed the second copy',
      proof(3, mine, copy(YOURS, 3, 8, { sign: OTHER.sign }))
    ),
    forged(
      'of which the first signature has one bit wrong',
      proof(3, copy(MINE, 3, 5, { write: flipped }), yours)
    ),
    forged(
      'of which the second signature has one bit wrong',
      proof(3, mine, copy(YOURS, 3, 8, { write: flipped }))
    ),
    forged('of which a signature is not reduced', proof(3, copy(MINE, 3, 5, { write: alike }), yours)),
    forged('of which the signatures are exchanged', proof(3, mine.slice(0, -128) + yours.slice(-128), yours)),
    bad(
      'a fork with a public key of small order, for which a signature of nothing holds',
      records(
        forkWith(
          2,
          NEUTRAL +
            '03' +
            [MINE, YOURS]
              .map((tree) => '03' + nodesHex(nodesOf(tree, 3, 3)) + NEUTRAL + '00'.repeat(32))
              .join(''),
          WEAK.core
        )
      ),
      records(fork)
    ),
    forged(
      'of which a copy is signed as one of fork 1',
      proof(
        3,
        mine,
        copy(
          YOURS,
          3,
          8,
          signedAs((hex) => hex.slice(0, -16) + le(1, 8))
        )
      )
    ),
    forged(
      'of which a copy is signed for another length',
      proof(
        3,
        mine,
        copy(
          YOURS,
          3,
          8,
          signedAs((hex) => hex.slice(0, -32) + le(7, 8) + le(0, 8))
        )
      )
    ),
    forged(
      'of which a copy is signed for another log',
      proof(
        3,
        mine,
        copy(
          YOURS,
          3,
          8,
          signedAs((hex) => hex.slice(0, 64) + OTHER.core + hex.slice(128))
        )
      )
    ),
    forged(
      'of which a copy is signed in another namespace',
      proof(
        3,
        mine,
        copy(
          YOURS,
          3,
          8,
          signedAs((hex) => hash(hash(utf8('hypercore')) + '01') + hex.slice(64))
        )
      )
    ),
    forged(
      'of which a copy is signed without the namespace',
      proof(
        3,
        mine,
        copy(
          YOURS,
          3,
          8,
          signedAs((hex) => hex.slice(64))
        )
      )
    ),
    forged('with a byte after its proof', PROOF + '00'),
    forged('of three copies', PROOF + yours),
    forged('of one copy', proof(3, mine)),
    forged('whose public key is cut off', PROOF.slice(0, 62)),
    forged('whose differing length is cut off', PROOF.slice(0, 64) + 'fd03'),
    forged('whose first size is cut off', PROOF.slice(0, 68) + 'fe010000'),
    forged('whose hash is cut off', PROOF.slice(0, 100)),
    forged('whose last signature is cut off', PROOF.slice(0, -2)),
    bad('a fork whose proof is longer than the block', before + uint(5000) + PROOF + '00', records(fork)),
    forged('whose length is that at which the copies differ', PROOF, 3),
    forged('whose length is far above', PROOF, 2 ** 40),
    forged('whose length is the 65th below', even(65), 0, forkWith(1, even(65))),
    forged('whose length is far below', even(70001), 2, forkWith(69937, even(70001))),
    forged('of copies that differ at 0', proof(0, copy(MINE, 0, 5), copy(YOURS, 0, 8)), 0),
    forged(
      'of copies that differ at 0 and are signed there',
      proof(0, copy(MINE, 0, 0), copy(YOURS, 0, 0)),
      0
    ),
    forged('of which the first copy is shorter', proof(3, short(MINE), yours)),
    forged('of which the second copy is shorter', proof(3, mine, short(YOURS))),
    forged('of copies that differ above 2^48', even(MOST + 1), MOST, forkWith(MOST - 1, even(MOST))),
    forged(
      'of which a copy is longer than 2^48',
      unevenly(MOST, MOST, MOST + 1),
      MOST - 1,
      forkWith(MOST - 1, even(MOST))
    ),
    forged(
      'of which a copy is as long as a number can be',
      unevenly(3, 2 ** 53 - 1, 3),
      2,
      forkWith(2, even(3))
    ),
    forged('of which the length is 2^53', proof(3, mine, 'ff0000000000002000' + yours.slice(2))),
    forged(
      'of which the size of a node is 2^53',
      proof(3, '05' + 'ff0000000000002000' + mine.slice(4), yours)
    ),
    forged(
      'with a node lower than it could be',
      proof(3, mine, given([first, second, others[0], ...leafByLeaf]))
    ),
    forged('whose nodes are not from left to right', proof(3, mine, given([second, first, ...others]))),
    forged('with a node less', proof(3, mine, given([first, second, others[0]]))),
    forged('whose roots are those at the length that is signed', proof(3, mine, given(nodesOf(YOURS, 8, 8)))),
    forged(
      'of which the size of a node is another',
      proof(3, mine, given([{ ...first, size: first.size + 1 }, second, ...others]))
    )
  ]
}

/** The names as one map: ordered by their quoted text, in which every escape begins with a backslash. */
function canonicalMap() {
  const fields = names.map((name) => `${JSON.stringify(name)}:0`)
  fields.sort((a, b) => (a < b ? -1 : 1))
  return `{${fields.join(',')}}`
}

function bad(name, hex, sound, rest = {}) {
  return { name, block: hex, ...rest, sound }
}

writeFileSync(
  new URL('blocks-v1.json', import.meta.url),
  `${JSON.stringify({ logs, malformed, unknown, records: records1, candidates }, null, 1)}\n`,
  { flag: 'wx' }
)
