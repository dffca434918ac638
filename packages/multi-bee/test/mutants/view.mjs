/** @type {import('./all.mjs').Mutant[]} */
export const viewMutants = [
  {
    name: 'a failed write is forgotten',
    fault: 'the changes of a flush that failed are not written by the next',
    file: 'view/view.ts',
    find: 'if (this.#flushing !== null) await this.#write(this.#flushing)',
    replace: '',
    caughtBy: { file: 'engine.test.ts', tests: '^a view that cannot be written' }
  },
  {
    name: 'the version before is the version',
    fault: 'an unwritten change shows only from the version after its own (< for <=)',
    file: 'view/layer.ts',
    find: 'candidate.version <= version',
    replace: 'candidate.version < version',
    caughtBy: { file: 'engine.test.ts', tests: '^a view that cannot be written' }
  },
  {
    name: 'the stored version is lost',
    fault: 'the first record that a flush replaces does not move aside',
    file: 'view/layer.ts',
    find: 'prior === null ? records.slice(0, -1) : [prior, ...records.slice(0, -1)]',
    replace: 'prior === null ? [] : records.slice(0, -1)',
    caughtBy: { file: 'versions.test.ts', tests: 'every version' }
  },
  {
    name: 'the oldest version comes first',
    fault: 'of several older records the oldest is read',
    file: 'view/view-keys.ts',
    find: 'BigInt(MAX_VERSION - version)',
    replace: 'BigInt(version)',
    caughtBy: { file: 'versions.test.ts', tests: 'every version' }
  },
  {
    name: 'opaque and document are one in the view',
    fault: 'an element of bytes is a document once it was stored',
    file: 'view/record.ts',
    find: 'element.value === null ? 0 : element.value.document ? PRESENT | DOCUMENT : PRESENT',
    replace: 'element.value === null ? 0 : PRESENT | DOCUMENT',
    caughtBy: { file: 'engine.property.test.ts', tests: 'honest devices$', runs: 100 }
  },
  {
    name: 'deletions lose their rivals in the view',
    fault: 'a deletion that lost against a leaf is no conflict any more once it was stored',
    file: 'view/record.ts',
    find: 'if (element !== undefined) over.push(element)',
    replace: 'if (element?.value === null) over.push(element)',
    caughtBy: { file: 'format-vectors.test.ts', tests: '^a record of the view' }
  },
  {
    name: 'a full view counts as empty',
    fault: 'of a view that is opened again, what is stored is taken for absent',
    file: 'view/view.ts',
    find: 'if (state === null) this.#store.noteEmpty()',
    replace: 'this.#store.noteEmpty()',
    caughtBy: { file: 'view.property.test.ts', tests: '^a view that holds something' }
  },
  {
    name: 'what was written counts as absent',
    fault: 'a view that began empty does not note what is written to it',
    file: 'view/cached-view-store.ts',
    find: 'this.#written.add(key)',
    replace: 'void key',
    caughtBy: { file: 'view.property.test.ts', tests: 'overtake each other' }
  }
]
