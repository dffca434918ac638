/** @type {import('./all.mjs').Mutant[]} */
export const logMutants = [
  {
    name: 'trees differ by the sizes of their roots',
    fault: 'whoever holds an honest log proves that it forked: only the sum of two sizes is signed',
    file: 'log/fork-proof.ts',
    find: 'one.length === other.length && one.every(',
    replace: 'b4a.equals(crypto.tree(one), crypto.tree(other)) && one.every(',
    caughtBy: { file: 'fork-proof.test.ts', tests: 'bytes are moved' }
  },
  {
    name: 'a copy in the proof of a fork is not signed',
    fault: 'anybody cuts any log',
    file: 'log/fork-proof.ts',
    find: 'if (!crypto.verify(signable(log, crypto.tree(late), length), reader.bytes(64), publicKey))',
    replace: 'if (reader.bytes(64).byteLength !== 64)',
    caughtBy: { file: 'format-vectors.test.ts', tests: '^a block that does not follow the format' }
  },
  {
    name: 'time goes back inside a log',
    fault: 'a block with an earlier time than the one before it keeps that time',
    file: 'log/transaction-reader.ts',
    find: 'const { ms, counter } = isLater(time, state) ? time : state',
    replace: 'const { ms, counter } = isLater(time, state) ? time : time',
    caughtBy: { file: 'engine.property.test.ts', tests: 'hostile devices$', runs: 100 }
  },
  {
    name: 'seen reaches past the context',
    fault: 'an operation may claim to have seen what its transaction has not',
    file: 'log/transaction-reader.ts',
    find: 'Math.min(reader.uint(), lengthAt(context, id))',
    replace: 'reader.uint()',
    caughtBy: { file: 'format-vectors.test.ts', tests: '^a log is read as' }
  },
  {
    name: 'a context names its own log',
    fault: 'a block that claims its own future is read',
    file: 'log/transaction-reader.ts',
    find: 'if (ref === 0 || ref >= ',
    replace: 'if (ref >= ',
    caughtBy: { file: 'format-vectors.test.ts', tests: '^a block that does not follow the format' }
  },
  {
    name: 'malformed blocks leave their writers behind',
    fault: 'keys are booked before the rest of the transaction has proved to be sound',
    file: 'log/transaction-reader.ts',
    find: 'for (let i = 0; i < introduced; i++) keys.push(readKey(reader))',
    replace: `for (let i = 0; i < introduced; i++) {
    keys.push(readKey(reader))
    writers.idOf(keys.at(-1) as Uint8Array)
  }`,
    caughtBy: { file: 'format-vectors.test.ts', tests: '^a block that does not follow the format' }
  },
  {
    name: 'keys keep their block in memory',
    fault: 'a writer key is a view into the block it came with',
    file: 'log/read-membership.ts',
    find: 'return b4a.from(reader.bytes(32))',
    replace: 'return reader.bytes(32)',
    caughtBy: { file: 'format-vectors.test.ts', tests: 'keys that outlive' }
  },
  {
    name: 'the size of a chain is not bounded',
    fault: 'a chain of many blocks is read whatever it costs',
    file: 'log/transaction-reader.ts',
    find: "if (this.#bytes > MAX_TRANSACTION_BYTES) throw new Error('transaction size')",
    replace: '',
    caughtBy: { file: 'decode-fuzz.test.ts', tests: 'more than 64 MiB' }
  },
  {
    name: 'a context says too much',
    fault: 'every block repeats what the one before it has said (>= for >)',
    file: 'log/encode.ts',
    find: 'if (id !== self && length > lengthAt(state.context, id))',
    replace: 'if (id !== self && length > 0 && length >= lengthAt(state.context, id))',
    caughtBy: { file: 'format-vectors.test.ts', tests: '^a log is written as' }
  },
  {
    name: 'an operation forgets what it had seen',
    fault: 'a put against an older read is written as if it had seen everything',
    file: 'log/encode.ts',
    find: '(seen === null ? 0 : OP_SEEN)',
    replace: '0',
    caughtBy: { file: 'format-vectors.test.ts', tests: '^a log is written as' }
  },
  {
    name: 'a chain is passed by one block',
    fault: 'the blocks that were read ahead no longer match the place in the log',
    file: 'log/log-cursor.ts',
    find: 'this.#ahead.splice(0, transaction.length)',
    replace: 'this.#ahead.splice(0, 1)',
    caughtBy: { file: 'engine.property.test.ts', tests: 'honest devices$', runs: 100 }
  },
  {
    name: 'an own write leaves the state of its log behind',
    fault: 'the second block a device writes leans on the state before the first',
    file: 'log/log-cursor.ts',
    find: `    this.#state = state
    this.#check = null`,
    replace: '    this.#check = null',
    caughtBy: { file: 'write-path.property.test.ts', tests: 'equal the oracle', runs: 100 }
  },
  {
    name: 'a log holds any number of membership records',
    fault: 'one member makes every device keep in memory, and go over, as many as it likes',
    file: 'log/read-membership.ts',
    find: 'Math.min(MAX_RECORDS, MAX_RECORDS_PER_LOG - before)',
    replace: 'Math.min(MAX_RECORDS, MAX_RECORDS_PER_LOG + before)',
    caughtBy: { file: 'malice-sizes.test.ts', tests: 'no more' }
  },
  {
    name: 'blocks are decrypted as others',
    fault:
      'of several blocks that are read together, each is decrypted by its place among them, not in the log',
    file: 'hypercore-blocks.ts',
    find: 'decrypted(core, start + i, block)',
    replace: 'decrypted(core, i, block)',
    caughtBy: { file: 'hypercore-blocks.test.ts', tests: 'encrypted core' }
  }
]
