// The bugs of tradle/multi-hyperbee (2020), as they would look in this package. Numbers as in predecessor.test.ts.

/** @type {import('./all.mjs').Mutant[]} */
export const predecessorMutants = [
  {
    name: 'P1 received times become 1 January',
    fault: 'the clock takes no more than the year of what it receives, so later writes do not go past it',
    file: 'merge/hybrid-clock.ts',
    find: 'this.#raise(remote)',
    replace: 'this.#raise({ ms: Date.UTC(new Date(remote.ms).getUTCFullYear(), 0), counter: 0 })',
    caughtBy: { file: 'predecessor.test.ts', tests: '^bug 1:' }
  },
  {
    name: 'P2 one creation replaces the other',
    fault: 'of two devices that create one key with different fields, the fields of one are lost',
    file: 'merge/apply-operations.ts',
    find: 'if (whole !== null) return isSeen(whole, seen)',
    replace: 'if (whole !== null) return true',
    caughtBy: { file: 'predecessor.test.ts', tests: '^bug 2:' }
  },
  {
    name: 'P3 deletes do not replicate',
    fault: 'what another device removed is skipped',
    file: 'engine/apply.ts',
    find: 'if (entry === undefined) continue',
    replace:
      'if (entry === undefined || operations.every(({ operation }) => operation.value === null)) continue',
    caughtBy: { file: 'predecessor.test.ts', tests: '^bug 3:' }
  },
  {
    name: 'P4 order within a millisecond is that of arrival',
    fault: 'the order of operations has neither counter nor writer',
    file: 'merge/canonical-order.ts',
    find: `    a.counter - b.counter ||
    (a.writer === b.writer ? 0 : b4a.compare(writers.keyOf(a.writer), writers.keyOf(b.writer))) ||
    a.seq - b.seq ||
    a.index - b.index
`,
    replace: `    0
`,
    caughtBy: { file: 'predecessor.test.ts', tests: '^bug 4:' }
  },
  {
    name: 'P5 restored counter is read as decimal',
    fault: 'a clock that starts from a counter in hexadecimal goes back',
    file: 'merge/hybrid-clock.ts',
    find: 'this.#last = last',
    replace: 'this.#last = { ms: last.ms, counter: Number.parseInt(last.counter.toString(16), 10) || 0 }',
    caughtBy: { file: 'predecessor.test.ts', tests: '^bug 5:' }
  },
  {
    name: 'P6 what is missing is never pushed',
    fault:
      'a failed find is compared with the wrong value, so a device that is not on the list is never put on it',
    file: 'membership/walk-step.ts',
    find: 'const isIn = this.membership.get(writer) !== undefined',
    replace: 'const isIn = this.membership.get(writer) !== null',
    caughtBy: { file: 'predecessor.test.ts', tests: '^bug 6:' }
  },
  {
    name: 'P7 logs are merged by a field that is not there',
    fault: 'the comparator reads a missing field and returns a boolean',
    file: 'bee/history.ts',
    find: 'compareDots({ ...next, index: 0 }, { ...first.next, index: 0 }, writers) < 0',
    replace: "Number(Reflect.get(next, 'timestamp') > Reflect.get(first.next, 'timestamp')) < 0",
    caughtBy: { file: 'predecessor.test.ts', tests: '^bug 7:' }
  },
  {
    name: 'P8 arrays of objects throw',
    fault: 'an object in an array is a ReferenceError',
    file: 'merge/canonical-json.ts',
    find: 'const item = print(items[i], depth, isParsed)',
    replace: `if (typeof items[i] === 'object') throw new ReferenceError('item is not defined')
    const item = print(items[i], depth, isParsed)`,
    caughtBy: { file: 'predecessor.test.ts', tests: '^bug 8:' }
  },
  {
    name: 'P9 falsy old values count as absent',
    fault: 'a field that was 0, "", false or null is written again although nobody changed it',
    file: 'merge/diff.ts',
    find: 'if (!Object.hasOwn(before, name))',
    replace: 'if (!fieldOf(before, name))',
    caughtBy: { file: 'predecessor.test.ts', tests: '^bug 9:' }
  },
  {
    name: 'P10 two writes that belong together',
    fault: 'the view says what it covers before it does: a crash between the two loses entries for good',
    file: 'view/view.ts',
    find: 'this.#writing = this.#store.write(writesOf(layer))',
    replace: `this.#writing = this.#store
      .write([[STATE_KEY, layer.state]])
      .then(() => this.#store.write(writesOf(layer)))`,
    caughtBy: { file: 'predecessor.test.ts', tests: '^bug 10:' }
  },
  {
    name: 'P11 every update replays the history',
    fault: 'a log is read from its start whenever something is new in it',
    file: 'log/log-cursor.ts',
    find: 'const blocks = await this.#log.read(start, Math.min(this.#log.available, start + this.#window))',
    replace: `const end = Math.min(this.#log.available, start + this.#window)
      const blocks = (await this.#log.read(0, end)).slice(start)`,
    caughtBy: { file: 'predecessor.test.ts', tests: '^bug 11:' }
  },
  {
    name: 'P12a batch throws',
    fault: 'there is no batch',
    file: 'bee/bee-editor.ts',
    find: 'return new Batch(this, options)',
    replace: "throw new Error('not implemented')",
    caughtBy: { file: 'predecessor.test.ts', tests: '^bug 12: a batch' }
  },
  {
    name: 'P12b the caller’s value is changed',
    fault: 'put adds a field to the object it is given',
    file: 'keyspace.ts',
    find: 'const text = toCanonicalJson(value)',
    replace: `if (typeof value === 'object' && value !== null) Object.assign(value, { _timestamp: 0 })
  const text = toCanonicalJson(value)`,
    caughtBy: { file: 'predecessor.test.ts', tests: '^bug 12: the caller' }
  },
  {
    name: 'P12c the history of a key collides with longer keys',
    fault: 'key and version stand side by side with nothing that says where one ends',
    file: 'view/view-keys.ts',
    find: 'view.setUint32(1, key.byteLength)',
    replace: 'view.setUint32(1, 0)',
    caughtBy: { file: 'predecessor.test.ts', tests: '^bug 12: older versions' }
  },
  {
    name: 'P13 equal times are equal across sessions',
    fault: 'operations of two writers at the same time have no order',
    file: 'merge/canonical-order.ts',
    find: `(a.writer === b.writer ? 0 : b4a.compare(writers.keyOf(a.writer), writers.keyOf(b.writer))) ||
    a.seq - b.seq ||
    a.index - b.index`,
    replace: '(a.writer === b.writer ? a.seq - b.seq || a.index - b.index : 0)',
    caughtBy: { file: 'predecessor.test.ts', tests: '^bug 13:' }
  }
]
