/** @type {import('./all.mjs').Mutant[]} */
export const membershipMutants = [
  {
    name: 'the highest cut-off wins',
    fault: 'of several cut-offs of one writer a later one that is lower does not count',
    file: 'membership/member.ts',
    find: 'a !== null && a.length <= b.length ? a : b',
    replace: 'a !== null && a.length >= b.length ? a : b',
    caughtBy: { file: 'engine.property.test.ts', tests: 'hostile devices$', runs: 100 }
  },
  {
    name: 'one block past the cut-off',
    fault: 'the first block that a removal takes back still counts (> for >=)',
    file: 'membership/membership.ts',
    find: 'transaction.seq < this.limitOf(transaction.writer)',
    replace: 'transaction.seq <= this.limitOf(transaction.writer)',
    caughtBy: { file: 'engine.test.ts', tests: '^a removal that arrives late' }
  },
  {
    name: 'waiting for what a cut-off took back',
    fault: 'who has seen more of a removed writer than still counts is never applied',
    file: 'membership/membership.ts',
    find: 'Math.min(lengthAt(context, writer), this.limitOf(writer)) > has(writer)',
    replace: 'lengthAt(context, writer) > has(writer)',
    caughtBy: { file: 'engine.test.ts', tests: '^a removal that arrives late' }
  },
  {
    name: 'a claim on a stranger counts',
    fault: 'a context that names a writer without its add removes what that writer put',
    file: 'membership/membership.ts',
    find: 'if (lengthAt(vector, writer) > 0 && !known.has(writer)) result',
    replace: 'if (lengthAt(vector, writer) > 0 && known.size === 0) result',
    caughtBy: { file: 'engine.test.ts', tests: '^a context is read anew' }
  },
  {
    name: 'the owner has no rank',
    fault: 'of two that remove each other the one that joined first stays, also against the owner key',
    file: 'membership/membership.ts',
    find: 'line: isOwners ? -1 : this.#placeOf(root)',
    replace: 'line: isOwners ? 0 : this.#placeOf(root)',
    caughtBy: { file: 'engine.test.ts', tests: 'the one with the owner key stays' }
  },
  {
    name: 'a repeated removal looks like none',
    fault: 'a cut-off that is lowered once more takes nothing back',
    file: 'membership/membership.ts',
    find: 'now.cutOff?.length !== before.cutOff?.length',
    replace: '(now.cutOff === null) !== (before.cutOff === null)',
    caughtBy: { file: 'engine.test.ts', tests: '^a removal that arrives late' }
  },
  {
    name: 'only the first add lets in',
    fault: 'a second add of a member is dropped, so it is lost with the first',
    file: 'membership/walk-step.ts',
    find: 'if (known.some((other) => other.writer === this.#author.writer)) return',
    replace: 'if (known.length > 0) return',
    caughtBy: { file: 'engine.test.ts', tests: '^a context is read anew' }
  },
  {
    name: 'an add that was taken back is not named',
    fault:
      'a context does not cover the add of a writer by one who was removed since, so it does not know that writer',
    file: 'membership/membership.ts',
    find: 'return length > limit && lengthAt(applied, writer) >= limit ? length : 0',
    replace: 'return length < limit && lengthAt(applied, writer) >= limit ? length : 0',
    caughtBy: { file: 'engine.test.ts', tests: 'whose add was taken back' }
  },
  {
    name: 'the last in rank goes first',
    fault: 'of two that remove each other the one that joined last stays',
    file: 'membership/walk.ts',
    find: 'membership.compareRank(next, best, writers) >= 0',
    replace: 'membership.compareRank(next, best, writers) <= 0',
    caughtBy: { file: 'engine.property.test.ts', tests: 'hostile devices$', runs: 100 }
  },
  {
    name: 'anybody founds the database',
    fault: 'a genesis record in the first block of any log counts',
    file: 'membership/walk-step.ts',
    find: 'writer === this.#scope.first && seq === 0',
    replace: 'seq === 0',
    caughtBy: { file: 'engine.property.test.ts', tests: 'hostile devices$', runs: 100 }
  },
  {
    name: 'the walk goes past what is left to walk',
    fault: 'a change of membership is walked before one that it has seen',
    file: 'membership/walk.ts',
    find: 'logs.get(writer)?.next?.seq ?? held(writer)',
    replace: 'held(writer)',
    caughtBy: { file: 'engine.property.test.ts', tests: 'hostile devices$', runs: 100 }
  },
  {
    name: 'a fork of a stranger is forgotten',
    fault: 'a log that was forked before its writer joined counts beyond the cut-off',
    file: 'membership/walk-step.ts',
    find: 'previous, admissions }, cuts.get(id))',
    replace: 'previous, admissions }, undefined)',
    caughtBy: { file: 'engine.property.test.ts', tests: 'hostile devices$', runs: 100 }
  },
  {
    name: 'a removal of a stranger is forgotten',
    fault: 'who is removed before its add or succession comes may write when that comes',
    file: 'membership/walk-step.ts',
    find: 'removal === undefined ? member : removed(member, removal)',
    replace: 'member',
    caughtBy: { file: 'engine.property.test.ts', tests: 'hostile devices$', runs: 100 }
  },
  {
    name: 'a log is succeeded before there is a database',
    fault: 'a succession of the first log counts on a device that does not hold its first block',
    file: 'membership/walk.ts',
    find: 'return isFounded && !isCut && ',
    replace: 'return !isCut && ',
    caughtBy: { file: 'engine.property.test.ts', tests: 'hostile devices$', runs: 100 }
  },
  {
    name: 'an admit makes a member',
    fault: 'who was only to be known to contexts may write, though the log it goes on from was removed',
    file: 'membership/walk-step.ts',
    find: 'this.#admit(record.writer)',
    replace: "this.#add(record.writer, '')",
    caughtBy: { file: 'engine.property.test.ts', tests: 'hostile devices$', runs: 100 }
  },
  {
    name: 'a fork does not begin the walk anew',
    fault: 'what was walked past a fork that became known later still counts',
    file: 'membership/walk.ts',
    find: 'if (!learnForks(membership, controls, scope)) return',
    replace: 'if (!learnForks(membership, controls, scope) || cuts.size > 0) return',
    caughtBy: { file: 'engine.property.test.ts', tests: 'hostile devices$', runs: 100 }
  },
  {
    name: 'a fork counts only where it is walked',
    fault: 'a copy of a forked log that removes who reports the fork keeps its devices apart from the others',
    file: 'membership/walk.ts',
    find: 'if (seq >= walked && isRemoved && (!isMember || lines.isOne(author, record.writer))) continue',
    replace: 'if (seq >= walked) continue',
    caughtBy: { file: 'engine.property.test.ts', tests: 'hostile devices$', runs: 100 }
  },
  {
    name: 'a log is heard of its own line before it is walked',
    fault: 'who has stolen a device takes back all that it ever wrote, from a log that is not let in',
    file: 'membership/walk.ts',
    find: '(!isMember || lines.isOne(author, record.writer))',
    replace: '!isMember',
    caughtBy: { file: 'engine.property.test.ts', tests: 'hostile devices$', runs: 400 }
  },
  {
    name: 'a line ends with the log before',
    fault: 'who has stolen a device takes back all that it ever wrote, from the second log of his own making',
    file: 'membership/lines.ts',
    find: 'previous === null ? id : this.#rootOf(previous)',
    replace: 'previous === null ? id : hexOf(previous)',
    caughtBy: { file: 'engine.property.test.ts', tests: 'hostile devices$', runs: 400 }
  },
  {
    name: 'a stranger is heard of a removed writer',
    fault: 'who has stolen a device takes back all that it ever wrote, from a log that the stolen one names',
    file: 'membership/walk.ts',
    find: 'isRemoved && (!isMember || ',
    replace: 'isRemoved && (',
    caughtBy: { file: 'forks-heard.test.ts', tests: 'who has stolen' }
  },
  {
    name: 'a member is not heard of a removed writer',
    fault: 'two devices with two copies of its log stay apart',
    file: 'membership/walk.ts',
    find: 'isRemoved && (!isMember || lines.isOne(author, record.writer))',
    replace: 'isRemoved',
    caughtBy: { file: 'engine.property.test.ts', tests: 'hostile devices$', runs: 400 }
  },
  {
    name: 'a fork that is known is not said again',
    fault: 'a device that holds another copy may not hear of it',
    file: 'engine/fork-records.ts',
    find: 'for (const fork of membership.forks) if (',
    replace: 'for (const fork of membership.forks) if (fork.cutOff.length < 0 && ',
    caughtBy: { file: 'forks-heard.test.ts', tests: 'it says again' }
  }
]
