/** @type {import('./all.mjs').Mutant[]} */
export const logMutants = [
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
    name: 'blocks are decrypted as others',
    fault:
      'of several blocks that are read together, each is decrypted by its place among them, not in the log',
    file: 'hypercore-blocks.ts',
    find: 'decrypted(core, start + i, block)',
    replace: 'decrypted(core, i, block)',
    caughtBy: { file: 'hypercore-blocks.test.ts', tests: 'encrypted core' }
  }
]
