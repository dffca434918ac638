/** @type {import('./all.mjs').Mutant[]} */
export const engineMutants = [
  {
    name: 'all operations have index 0',
    fault: 'operations of one transaction share a dot',
    file: 'engine/apply.ts',
    find: 'dot: { writer, seq, index, ms, counter }',
    replace: 'dot: { writer, seq, index: 0, ms, counter }',
    caughtBy: { file: 'engine.property.test.ts', tests: 'hostile devices$', runs: 100 }
  },
  {
    name: 'one operation of a chunk overwrites another',
    fault: 'two operations on one key that are applied in one go both start from the stored record',
    file: 'engine/apply.ts',
    find: 'entry.register = applyOperations(entry.register, operations',
    replace: 'entry.register = applyOperations(entry.prior?.register ?? EMPTY_REGISTER, operations',
    caughtBy: { file: 'engine.property.test.ts', tests: 'honest devices$', runs: 100 }
  },
  {
    name: 'a base is forgotten on arrival',
    fault: 'a put against an older read removes all that its transaction had seen',
    file: 'engine/apply.ts',
    find: 'const vector = operation.seen ?? transaction.context',
    replace: 'const vector = transaction.context',
    caughtBy: { file: 'engine.property.test.ts', tests: 'honest devices$', runs: 100 }
  },
  {
    name: 'what a cut-off took back stays shown',
    fault: 'keys that only operations past the cut-off have touched are not worked out anew',
    file: 'engine/reevaluate.ts',
    find: 'for await (const taken of transactionsUntil(cursor.clone(), lengthAt(state.applied, writer))) touch(taken)',
    replace: '',
    caughtBy: { file: 'engine.test.ts', tests: '^a removal that arrives late' }
  },
  {
    name: 'a context keeps its old meaning',
    fault:
      'operations that were applied before stay as they were, though a removal changes what they have seen',
    file: 'engine/reevaluate.ts',
    find: 'if (isNew || !isReadAlike(transaction, state.membership, membership)) touch(transaction)',
    replace: 'if (isNew) touch(transaction)',
    caughtBy: { file: 'engine.test.ts', tests: '^a context is read anew' }
  },
  {
    name: 'a replay ignores what an operation had seen',
    fault: 'after a removal a put against an older read counts as if it had seen everything',
    file: 'engine/reevaluate.ts',
    find: 'of operationsByKey(transaction, membership)) {',
    replace: `of operationsByKey(
      { ...transaction, operations: transaction.operations.map((each) => ({ ...each, seen: null })) },
      membership
    )) {`,
    caughtBy: { file: 'engine.property.test.ts', tests: 'hostile devices$', runs: 100 }
  },
  {
    name: 'a replay ignores cut-offs',
    fault: 'working the state out anew takes all blocks of members, also those past a cut-off',
    file: 'engine/full-source.ts',
    find: 'next !== null && membership.isReady(next, has);',
    replace: 'next !== null;',
    caughtBy: { file: 'engine.test.ts', tests: '^a removal that arrives late' }
  },
  {
    name: 'a replay goes round once',
    fault: 'a transaction that waits for a writer further down is left out of a replay',
    file: 'engine/full-source.ts',
    find: '        moved = true\n',
    replace: '',
    caughtBy: { file: 'engine.test.ts', tests: '^a removal is one more version' }
  },
  {
    name: 'one change of membership per writer',
    fault: 'the second change of membership by one writer is taken for the first',
    file: 'membership/controls.ts',
    find: 'return seq <= (this.#logs.get(writer)?.list.at(-1)?.seq ?? -1)',
    replace: 'return seq >= 0 && this.#logs.has(writer)',
    caughtBy: { file: 'engine.test.ts', tests: '^adding devices' }
  },
  {
    name: 'membership is not looked at again',
    fault: 'a change of membership that waited for a block is forgotten when the block comes',
    file: 'engine/device-state.ts',
    find: 'return mayChange',
    replace: 'return false',
    caughtBy: { file: 'engine.property.test.ts', tests: 'hostile devices$', runs: 100 }
  },
  {
    name: 'a put that could not be written is done',
    fault: 'who waits for a transaction that turned out too large hears that it was stored',
    file: 'engine/committer.ts',
    find: 'this.refused.push({ waiting, error })',
    replace: 'this.done.push(waiting)',
    caughtBy: { file: 'regressions.test.ts', tests: 'a put that is refused' }
  },
  {
    name: 'one turn, one base',
    fault: 'the second transaction of a turn starts from what was shown before the first',
    file: 'engine/committer.ts',
    find: 'this.#newest.set(id, { version, register, shown })',
    replace: 'void [id, version, register, shown]',
    caughtBy: { file: 'write-path.property.test.ts', tests: 'equal the oracle', runs: 100 }
  },
  {
    name: 'a batch is several transactions',
    fault: 'the parts of a large batch are visible one after the other',
    file: 'bee/batch.ts',
    find: 'writes: this.#writes, atomic: true',
    replace: 'writes: this.#writes, atomic: false',
    caughtBy: { file: 'bad-input.test.ts', tests: '^a batch over 64 MiB' }
  },
  {
    name: 'a base is not written down',
    fault: 'a put against an older read counts as if it had seen everything, here and elsewhere',
    file: 'engine/group.ts',
    find: 'const seen = isLower(vector, context) ? vector : null',
    replace: 'const seen = null as VersionVector | null',
    caughtBy: { file: 'merge-semantics.test.ts', tests: '^a put against a base' }
  },
  {
    name: 'a base is compared with what is shown now',
    fault: 'a put against an older read reverts the fields that came since',
    file: 'engine/group.ts',
    find: 'const origin = isOlder ? asRead : newest',
    replace: 'const origin = newest',
    caughtBy: { file: 'merge-semantics.test.ts', tests: '^a put against a base' }
  },
  {
    name: 'two bases in one transaction',
    fault: 'puts of one key that were made against different reads are folded into one',
    file: 'engine/group.ts',
    find: 'if (entry !== undefined && entry.base !== base) return false',
    replace: '',
    caughtBy: { file: 'merge-semantics.test.ts', tests: 'pending together, one with a base' }
  },
  {
    name: 'a restart forgets changes of membership',
    fault: 'the saved state says who is a member, and not by which records',
    file: 'engine/view-state.ts',
    find: 'Array.from(state.controls.entries(), (',
    replace: 'Array.from([...state.controls.entries()].slice(0, 0), (',
    caughtBy: { file: 'engine.property.test.ts', tests: 'hostile devices$', runs: 100 }
  },
  {
    name: 'a view without changes is not written',
    fault: 'transactions that change nothing in the view are read again after every restart',
    file: 'engine/flusher.ts',
    find: 'if (!this.#view.isDirty && this.#written === this.#source.version()) return',
    replace: 'if (!this.#view.isDirty) return',
    caughtBy: { file: 'engine.test.ts', tests: '^a restart does not read again' }
  },
  {
    name: 'versions may be given twice',
    fault: 'a rebuilt view gives numbers again that meant something else',
    file: 'multi-bee.ts',
    find: 'versionFloor: await versions.read()',
    replace: 'versionFloor: (await versions.read()) * 0',
    caughtBy: { file: 'bad-input.test.ts', tests: '^a version' }
  },
  {
    name: 'the note of versions does not move on',
    fault:
      'who stays open until the versions that were kept free at the start are used up has none kept free after a crash',
    file: 'engine/flusher.ts',
    find: '    await this.#source.beforeWrite(this.#source.version())\n',
    replace: '',
    caughtBy: { file: 'engine.test.ts', tests: '^before the view is written' }
  }
]
