/** @type {import('./all.mjs').Mutant[]} */
export const clockMutants = [
  {
    name: 'a time is given twice',
    fault: 'two ticks of one millisecond are equal (>= for >)',
    file: 'merge/hybrid-clock.ts',
    find: 'if (now > this.#last.ms)',
    replace: 'if (now >= this.#last.ms)',
    caughtBy: { file: 'hybrid-clock.test.ts', tests: '^a hybrid clock counts' }
  },
  {
    name: 'a wrong clock infects others',
    fault: 'a device a year ahead takes every other with it',
    file: 'merge/hybrid-clock.ts',
    find: 'this.#raise({ ms: now + MAX_SKEW_MS, counter: 0 })',
    replace: 'this.#raise({ ms: remote.ms, counter: 0 })',
    caughtBy: { file: 'hybrid-clock.test.ts', tests: '^a hybrid clock is pulled ahead' }
  },
  {
    name: 'a full counter wraps',
    fault: 'the 65,537th write of a millisecond has a counter that 16 bits do not hold (<= for <)',
    file: 'merge/hybrid-clock.ts',
    find: 'this.#last.counter < MAX_COUNTER',
    replace: 'this.#last.counter <= MAX_COUNTER',
    caughtBy: { file: 'hybrid-clock.test.ts', tests: '^a hybrid clock a full counter' }
  },
  {
    name: 'the past pulls back',
    fault: 'a greater counter of an earlier millisecond is taken over',
    file: 'merge/hybrid-clock.ts',
    find: '(a.ms === b.ms && a.counter > b.counter)',
    replace: 'a.counter > b.counter',
    caughtBy: { file: 'hybrid-clock.test.ts', tests: '^a hybrid clock what it receives from the past' }
  },
  {
    name: 'the clock goes back over a restart',
    fault: 'the state that is saved forgets the greatest time of each log',
    file: 'engine/saved-state.ts',
    find: '[writer, log.state]))',
    replace: '[writer, { ...log.state, ms: 0, counter: 0 }]))',
    caughtBy: { file: 'hybrid-clock.test.ts', tests: '^the times in a log never go back' }
  },
  {
    name: 'the clock knows only what its log held when it was opened',
    fault: 'a write is earlier on its own device than on all others, when what stood before it had to wait',
    file: 'engine/own-writes.ts',
    find: 'this.#parts.clock.goOnAfter(state)',
    replace: 'void state.ms',
    caughtBy: { file: 'malice-contexts.test.ts', tests: 'goes on after' }
  },
  {
    name: 'the first that came in sets the clock',
    fault:
      'of several transactions of one writer that come in at once, the times of all but the first are ignored',
    file: 'engine/merging.ts',
    find: 'new Map(times.map((time)',
    replace: 'new Map(times.toReversed().map((time)',
    caughtBy: { file: 'hybrid-clock.test.ts', tests: 'the last of what came in at once' }
  }
]
