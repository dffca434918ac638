/** @type {import('./all.mjs').Mutant[]} */
export const mergeMutants = [
  {
    name: 'seen is inclusive',
    fault: 'an operation counts the block after the last it has seen as seen (<= for <)',
    file: 'merge/apply-operations.ts',
    find: 'return dot.seq < lengthAt(seen, dot.writer)',
    replace: 'return dot.seq <= lengthAt(seen, dot.writer)',
    caughtBy: { file: 'engine.property.test.ts', tests: 'honest devices that remove nobody', runs: 100 }
  },
  {
    name: 'unset adds a dot',
    fault: 'removing a field leaves an empty map in its place',
    file: 'merge/apply-operations.ts',
    find: 'if (value === null) tombstones.add(',
    replace: `if (value === null) elements.push({ ...pick(dot), path, value })
    if (value === null) tombstones.add(`,
    caughtBy: { file: 'predecessor.test.ts', tests: '^bug 3:' }
  },
  {
    name: 'leaf above survives',
    fault: 'a field put below a leaf leaves the leaf beside it',
    file: 'merge/apply-operations.ts',
    find: 'return left.filter((element) => element.value === null || !isSeen(element, below.get(element.path)))',
    replace: 'return left',
    caughtBy: { file: 'engine.property.test.ts', tests: 'honest devices$', runs: 100 }
  },
  {
    name: 'tombstones go from everywhere',
    fault: 'an edit of one field forgets the seen deletions of all others',
    file: 'merge/apply-operations.ts',
    find: 'if (deleteWins || !reach.covers(tombstone))',
    replace: 'if (deleteWins || !operations.some(({ seen }) => isSeen(tombstone, seen)))',
    caughtBy: { file: 'engine.property.test.ts', tests: 'honest devices$', runs: 100 }
  },
  {
    name: 'deleteWins spares what is below',
    fault: 'where deletes win, a map that is deleted keeps the fields put into it meanwhile',
    file: 'merge/apply-operations.ts',
    find: '(rivals.length > 0 || isIn(unset, element.path))',
    replace: '(rivals.some(({ path }) => path === element.path) || isIn(unset, element.path))',
    caughtBy: { file: 'engine.property.test.ts', tests: 'honest devices$', runs: 100 }
  },
  {
    name: 'deleteWins spares what was below',
    fault: 'where deletes win, a map that is deleted keeps the fields whose edits came before',
    file: 'merge/apply-operations.ts',
    find: 'if (deleteWins) elements = elements.filter(({ path }) => !isIn(unset, path))',
    replace: 'if (deleteWins) elements = elements.filter(({ path }) => !unset.has(path))',
    caughtBy: { file: 'engine.property.test.ts', tests: 'honest devices$', runs: 100 }
  },
  {
    name: 'an entry with deletions is simple',
    fault: 'a put of a whole entry forgets the deletions it has not seen',
    file: 'merge/apply-operations.ts',
    find: 'return elements.length === 0 && tombstones.length === 0',
    replace: 'return elements.length === 0',
    caughtBy: { file: 'engine.property.test.ts', tests: 'honest devices$', runs: 100 }
  },
  {
    name: 'a leaf beats every map',
    fault: 'of a leaf and a map at one path the leaf is shown, whichever is later',
    file: 'merge/show.ts',
    find: 'return compareDots(leaf.dot, map.dot, writers) > 0 ? leaf : map',
    replace: 'return compareDots(leaf.dot, map.dot, writers) !== 0 ? leaf : map',
    caughtBy: { file: 'engine.property.test.ts', tests: 'honest devices$', runs: 100 }
  },
  {
    name: 'a map ranks by its own fields only',
    fault: 'what is two levels below does not count for which of leaf and map is shown',
    file: 'merge/show.ts',
    find: 'for (const field of node.fields.values()) {',
    replace: 'for (const field of [] as Node[]) {',
    caughtBy: { file: 'engine.property.test.ts', tests: 'honest devices$', runs: 100 }
  },
  {
    name: 'fields in order of arrival',
    fault: 'a merged map is printed in the order in which its fields came',
    file: 'merge/show.ts',
    find: 'const names = [...node.fields.keys()].sort()',
    replace: 'const names = [...node.fields.keys()]',
    caughtBy: { file: 'engine.property.test.ts', tests: 'honest devices that remove nobody', runs: 100 }
  },
  {
    name: 'equal values conflict',
    fault: 'three devices that put two values list the one that lost twice',
    file: 'merge/show.ts',
    find: 'return !known.has(name) && known.add(name)',
    replace: 'return !known.has(name)',
    caughtBy: { file: 'engine.property.test.ts', tests: 'honest devices$', runs: 100 }
  },
  {
    name: '{} is never assigned',
    fault: '{} over a map that has no marker unsets its fields, and the entry is gone',
    file: 'merge/diff.ts',
    find: 'if (names.length === 0 && Object.keys(before).length > 0 && !hasMarker(register, path)) {',
    replace: 'if (names.length === 0 && Object.keys(before).length < 0 && !hasMarker(register, path)) {',
    caughtBy: { file: 'merge-semantics.test.ts', tests: '^maps {} over a map' }
  },
  {
    name: 'arrays are maps',
    fault: 'arrays are compared field by field, so a shorter one unsets its indexes',
    file: 'merge/diff.ts',
    find: "return typeof value === 'object' && value !== null && !Array.isArray(value)",
    replace: "return typeof value === 'object' && value !== null",
    caughtBy: { file: 'predecessor.test.ts', tests: '^bug 9: .* several items' }
  },
  {
    name: 'a vanished falsy field stays',
    fault: 'a field whose old value is falsy is not unset when the next value lacks it',
    file: 'merge/diff.ts',
    find: 'if (!Object.hasOwn(after, name)) changes.push',
    replace: 'if (!Object.hasOwn(after, name) && fieldOf(before, name)) changes.push',
    caughtBy: { file: 'predecessor.test.ts', tests: '^bug 9:' }
  },
  {
    name: 'pending changes below are kept',
    fault: 'puts that share a transaction change a field and the map around it, both in one',
    file: 'merge/diff.ts',
    find: 'if (change !== undefined && isAtOrBelow(change.path, next.path)) changes.splice(i, 1)',
    replace: 'if (change !== undefined && change.path === next.path) changes.splice(i, 1)',
    caughtBy: { file: 'merge-semantics.test.ts', tests: 'the later is written alone' }
  },
  {
    name: 'names are ordered without their quotes',
    fault: 'two devices print one map in two ways when a name is a prefix of another',
    file: 'merge/canonical-json.ts',
    find: 'fields.sort(([a], [b]) => (a < b ? -1 : 1))',
    replace: 'fields.sort(([a], [b]) => (a.slice(0, -1) < b.slice(0, -1) ? -1 : 1))',
    caughtBy: {
      file: 'merge-semantics.test.ts',
      tests: 'fields come back in the order of their quoted names'
    }
  },
  {
    name: 'one level too few',
    fault: 'a document of exactly 128 levels is refused',
    file: 'merge/canonical-json.ts',
    find: 'if (depth === MAX_DEPTH) return null',
    replace: 'if (depth === MAX_DEPTH - 1) return null',
    caughtBy: { file: 'bad-input.test.ts', tests: '128 levels' }
  },
  {
    name: 'a document may name a field twice',
    fault: 'a document with one field twice is taken for canonical (< for <=)',
    file: 'merge/canonical-text.ts',
    find: 'name <= previous',
    replace: 'name < previous',
    caughtBy: { file: 'canonical-text.property.test.ts', tests: 'says what parsing' }
  },
  {
    name: 'half a pair is a character',
    fault: 'text with a lone surrogate that is not escaped is taken for canonical',
    file: 'merge/canonical-text.ts',
    find: '(unit >= 0xd800 && unit <= 0xdfff)',
    replace: 'unit > 0xffff',
    caughtBy: { file: 'canonical-text.property.test.ts', tests: 'says what parsing' }
  },
  {
    name: 'long numbers are as they stand',
    fault: 'a whole number that is rounded when it is read is taken for canonical',
    file: 'merge/canonical-text.ts',
    find: '[0-9]{0,14}',
    replace: '[0-9]{0,16}',
    caughtBy: { file: 'canonical-text.property.test.ts', tests: 'says what parsing' }
  },
  {
    name: 'a function is printed as it prints itself',
    fault: 'what toJSON of a function returns is stored with its fields in any order',
    file: 'merge/canonical-json.ts',
    find: "if (typeof value === 'bigint' || typeof value === 'function') return undefined",
    replace: "if (typeof value === 'bigint') return undefined",
    caughtBy: { file: 'canonical-json.property.test.ts', tests: '^a function with toJSON' }
  },
  {
    name: 'escaped quotes end a name',
    fault: 'a path through a field name with a quote in it is taken apart wrongly',
    file: 'merge/path.ts',
    find: 'if (unit === 0x5c) i++',
    replace: 'if (unit === 0) i++',
    caughtBy: { file: 'merge-semantics.test.ts', tests: '^values ' }
  },
  {
    name: 'ties are decided by the local number',
    fault: 'at equal times the writer that this device has heard of last wins, not the greater key',
    file: 'merge/canonical-order.ts',
    find: 'b4a.compare(writers.keyOf(a.writer), writers.keyOf(b.writer))',
    replace: 'a.writer - b.writer',
    caughtBy: { file: 'predecessor.test.ts', tests: '^bug 4:' }
  },
  {
    name: 'the counter does not count',
    fault: 'within a millisecond the writer key decides, not the counter',
    file: 'merge/canonical-order.ts',
    find: '    a.counter - b.counter ||\n',
    replace: '',
    caughtBy: { file: 'predecessor.test.ts', tests: '^bug 13:' }
  }
]
