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
    name: 'a fork does not begin the walk anew',
    fault: 'changes of membership past a fork that were walked before it was found still count',
    file: 'membership/walk.ts',
    find: 'if (lowersCut(best, cuts)) return null',
    replace: `if (lowersCut(best, cuts)) {
      const cut = membership.members.map((member) => {
        const fork = cuts.get(hexOf(writers.keyOf(member.writer)))?.cutOff
        if (fork === undefined) return member
        const cutOff = (member.cutOff?.length ?? Infinity) <= fork.length ? member.cutOff : fork
        return { ...member, cutOff, forkedAt: fork.length }
      })
      membership = new Membership(cut, membership.genesis, membership.walked, membership.admits)
    }`,
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
    name: 'a fork counts no sooner than it is walked',
    fault: 'a branch of a forked log decides whether who tells of the fork is heard',
    file: 'membership/walk.ts',
    find: 'const cuts = provenForks(controls, writers)',
    replace: 'const cuts = new Map<string, ForkedWriter>()',
    caughtBy: { file: 'engine.property.test.ts', tests: 'hostile devices$', runs: 100 }
  },
  {
    name: 'a fork stands that a log of its own succession tells',
    fault: 'who has stolen a device takes back all that it ever wrote, from a log that is not let in',
    file: 'membership/walk.ts',
    find: "if (record.type === 'fork' && !line.has(hexOf(record.writer))) lower(cuts, record)",
    replace: "if (record.type === 'fork') lower(cuts, record)",
    caughtBy: { file: 'fork-succession.test.ts', tests: 'does not cut it' }
  },
  {
    name: 'a walk knows no log that has no number yet',
    fault: 'two walks over the same blocks differ: the first one gives the number out',
    file: 'membership/walk.ts',
    find: '!line.has(hexOf(record.writer))',
    replace: '(writers.find(record.writer) === -1 || !line.has(hexOf(record.writer)))',
    caughtBy: { file: 'fork-succession.test.ts', tests: 'when it is repeated' }
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
    name: 'a fork counts only where it is walked',
    fault: 'a copy of a forked log that removes who reports the fork keeps its devices apart from the others',
    file: 'membership/walk.ts',
    find: 'const cuts = provenForks(controls, writers)',
    replace: 'const cuts: ReturnType<typeof provenForks> = new Map()',
    caughtBy: { file: 'engine.property.test.ts', tests: 'hostile devices$', runs: 100 }
  },
  {
    name: 'a log tells of its own fork',
    fault: 'who has a removed device takes back all that it ever wrote',
    file: 'membership/walk.ts',
    find: "record.type === 'fork' && !line.has(hexOf(record.writer))",
    replace: "record.type === 'fork' && line.size > 0",
    caughtBy: { file: 'engine.property.test.ts', tests: 'hostile devices$', runs: 200 }
  },
  {
    name: 'a log that says it goes on from another tells of its fork',
    fault: 'who has a removed device takes back all that it ever wrote, from a log of its own making',
    file: 'membership/walk.ts',
    find: 'while (key !== null && !line.has(hexOf(key))) {',
    replace: 'while (key !== null && line.size === 0) {',
    caughtBy: { file: 'engine.property.test.ts', tests: 'hostile devices$', runs: 400 }
  }
]
