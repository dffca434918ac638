/** @type {import('./all.mjs').Mutant[]} */
export const epochMutants = [
  {
    name: 'a copied store is not noticed',
    fault: 'the clone writes on in the log of the original, with its keystream',
    file: 'bee/epochs.ts',
    find: 'return !(await isMarkIntact(markPath(this.#scope.directory, marked.subarray(32))))',
    replace: 'return false',
    caughtBy: { file: 'epochs.test.ts', tests: 'keystream' }
  },
  {
    name: 'an old copy writes on',
    fault: 'a device whose own log is longer elsewhere goes on in it',
    file: 'engine/upkeep.ts',
    find: "return log.isOvertaken || hasLostTail ? { reason: 'overtaken', fork: null } : null",
    replace: 'return null',
    caughtBy: { file: 'epochs.test.ts', tests: 'begins a new epoch when a peer holds more' }
  },
  {
    name: 'heads are not compared',
    fault: 'two copies of one length that differ are never noticed',
    file: 'bee/connections.ts',
    find: 'if (!b4a.equals(own.treeHash, treeHash)) log.suspect(remotePublicKey, length)',
    replace: 'void own',
    caughtBy: { file: 'epochs.test.ts', tests: 'as much to one as to the other' }
  },
  {
    name: 'the first proof decides where copies part',
    fault: 'the cut-off of a fork is not where the copies begin to differ',
    file: 'hypercore-forks.ts',
    find: 'if (search.differing - search.agreed <= 1) {',
    replace: 'if (search.differing > search.agreed) {',
    caughtBy: { file: 'epochs.test.ts', tests: 'closes no log' }
  },
  {
    name: 'the unsent tail is forgotten',
    fault: 'what only a forked log held is quarantined and not written again',
    file: 'engine/epoch-keeper.ts',
    find: 'of ownTail(state, this.#parts.view, tails)',
    replace: 'of ownTail(state, this.#parts.view, [])',
    caughtBy: { file: 'epochs.test.ts', tests: 'closes no log' }
  },
  {
    name: 'what is issued again has seen everything',
    fault: 'the unsent tail of a forked log replaces what others did meanwhile',
    file: 'engine/reissue.ts',
    find: '?? history.seenBy(place, vector)',
    replace: '?? state.applied',
    caughtBy: { file: 'epochs.test.ts', tests: 'closes no log' }
  },
  {
    name: 'what lies between two cut-offs is forgotten',
    fault: 'a copy that turns up later and parts earlier takes away what its device wrote',
    file: 'engine/own-forks.ts',
    find: 'state.membership.get(writer)?.forkedAt ?? Infinity',
    replace: 'Math.max(state.membership.get(writer)?.forkedAt ?? Infinity, until === Infinity ? 3 : 0)',
    caughtBy: { file: 'malice-forks.test.ts', tests: 'loses nothing' }
  },
  {
    name: 'what is issued again late has seen what came after it',
    fault: 'it takes away what its device has changed since',
    file: 'engine/reissue.ts',
    find: 'if (later === null) {',
    replace: 'if (later !== undefined) {',
    caughtBy: { file: 'malice-forks.test.ts', tests: 'loses nothing' }
  },
  {
    name: 'what was overwritten is issued again',
    fault: 'old values of a device come back over its newer ones',
    file: 'engine/reissue.ts',
    find: 'const left = later === null ? operation : withoutPaths(operation, later)',
    replace: 'const left = later === null ? operation : withoutPaths(operation, [])',
    caughtBy: { file: 'malice-forks.test.ts', tests: 'loses nothing' }
  },
  {
    name: 'who was let in and removed is not done again',
    fault: 'a device that was removed before a fork writes on',
    file: 'engine/reissue.ts',
    find: "type === 'add' || type === 'remove'",
    replace: "type === 'add' && type !== 'add'",
    caughtBy: { file: 'reissue-hazards.test.ts', tests: 'who was removed stays removed' }
  },
  {
    name: 'what cannot be done again as one transaction is given up',
    fault: 'it is lost',
    file: 'engine/epoch-keeper.ts',
    find: "if (request.type === 'write' && request.atomic)",
    replace: "if (request.type === 'write' && request.atomic && request.writes.length < 0)",
    caughtBy: { file: 'reissue-hazards.test.ts', tests: 'overlap' }
  },
  {
    name: 'each write that is done again has a vector of its own',
    fault: 'a batch of many keys cannot be done again as one',
    file: 'engine/reissue.ts',
    find: 'vectors.get(seen ?? context) ?? history',
    replace: 'history',
    caughtBy: { file: 'reissue-hazards.test.ts', tests: 'done again as one' }
  },
  {
    name: 'who has read the first of something has not seen its repetition',
    fault: 'a field that was deleted in a form stays',
    file: 'engine/group.ts',
    find: 'isOlder ? seenWith(base.vector) : applied',
    replace: 'isOlder ? base.vector : applied',
    caughtBy: { file: 'reissue-hazards.test.ts', tests: 'read before the fork' }
  },
  {
    name: 'a deletion that is done again takes away what came after it',
    fault: 'where deletions win, what others put knowing of it is gone',
    file: 'engine/reissue.ts',
    find: 'if (deleteWins(state)) return elements.some(isNew)',
    replace: 'if (deleteWins(state)) return false',
    caughtBy: { file: 'reissue-hazards.test.ts', tests: 'takes away nothing' }
  },
  {
    name: 'what no longer counts replaces what is done again',
    fault: 'a key vanishes',
    file: 'engine/reissue.ts',
    find: 'if (counts) note(changes.kept',
    replace: 'note(changes.kept',
    caughtBy: { file: 'reissue-hazards.test.ts', tests: 'does not count any more' }
  },
  {
    name: 'a leaf is brought back over what was put below it',
    fault: 'an old leaf shows over a newer map',
    file: 'merge/diff.ts',
    find: 'if (!isMap(tree)) return null\n  let map',
    replace: 'if (!isMap(tree)) return document\n  let map',
    caughtBy: { file: 'reissue-hazards.test.ts', tests: 'over a leaf' }
  },
  {
    name: 'what was changed in part comes back whole',
    fault: 'old fields of a device come back over its newer ones',
    file: 'merge/diff.ts',
    find: 'if (value === null || !isBelow(path, operation.path)) continue',
    replace: 'if (value === null || path !== operation.path) continue',
    caughtBy: { file: 'reissue.test.ts', tests: 'changed in part' }
  },
  {
    name: 'what was done again is done once more',
    fault: 'a device that is killed while it does something again doubles its history',
    file: 'engine/reissue.ts',
    find: 'if (counts && transaction.again !== null)',
    replace: 'if (!counts && transaction.again !== null)',
    caughtBy: { file: 'reissue.test.ts', tests: 'not done once more' }
  },
  {
    name: 'what its last log held is not seen when something is done again',
    fault: 'a moved device shows what it has overwritten itself',
    file: 'engine/own-forks.ts',
    find: 'appliedLength(state, writer) >= Math.min(',
    replace: 'appliedLength(state, writer) >= 0 * Math.min(',
    caughtBy: { file: 'reissue.test.ts', tests: 'is moved' }
  },
  {
    name: 'a copied store forgets the fork of a log that it has not left yet',
    fault: 'what that fork cuts off is not done again',
    file: 'engine/epoch-keeper.ts',
    find: 'earlierFork(epoch.fork, knownFork(state, previous))',
    replace: 'earlierFork(epoch.reason === `copied` ? null : epoch.fork, knownFork(state, previous))',
    caughtBy: { file: 'reissue.test.ts', tests: 'only a peer has proven' }
  },
  {
    name: 'peers are not told of new logs',
    fault: 'a newcomer that knows only the first log never finds those that succeed it',
    file: 'bee/peer-channel.ts',
    find: 'if (newSuccessors.length > 0) channel.send(0, encodeSuccessors(newSuccessors))',
    replace: '',
    caughtBy: { file: 'epochs.test.ts', tests: 'found by all who know only its first log' }
  },
  {
    name: 'a removal takes one log',
    fault: 'the logs that a removed device wrote before stay writable for who has it',
    file: 'bee/members.ts',
    find: 'membership.lineOf(id).filter(({ writer: other, removed }) => other === id || !removed)',
    replace: 'membership.lineOf(id).filter(({ writer: other }) => other === id)',
    caughtBy: { file: 'epochs.test.ts', tests: 'a removal takes all logs' }
  },
  {
    name: 'a removed log may be succeeded',
    fault: 'who has the key of a removed device comes back under a new log',
    file: 'membership/member.ts',
    find: 'cutOff: lowest(now, cutOff), removed: true }',
    replace: 'cutOff: lowest(now, cutOff), removed: false }',
    caughtBy: { file: 'engine.test.ts', tests: '^a removed device' }
  },
  {
    name: 'what a removed device carries beside its succession counts',
    fault: 'who has the key of a removed device adds another in the first block of a new log',
    file: 'membership/membership.ts',
    find: '!previous.removed &&',
    replace: '',
    caughtBy: { file: 'engine.test.ts', tests: '^a removed device' }
  },
  {
    name: 'a member goes on from a removed log',
    fault: 'a device joins the line of one that was removed, and its rank',
    file: 'membership/walk-step.ts',
    find: 'if (before === undefined || before.removed) return',
    replace: 'if (before === undefined) return',
    caughtBy: { file: 'engine.test.ts', tests: '^a removed device' }
  }
]
