import { cpSync, mkdirSync, readFileSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs'
import { basename, join, resolve } from 'node:path'
import { root } from '../commands.mjs'

/** A copy of one package, with the dependencies and the sibling types of the original, in which files may be broken. */
export class PackageCopy {
  /** Its top folder. */
  folder
  /** For what its tests write. */
  temporary

  /**
   * @param {string} original folder of the package, below the repository's top
   * @param {string} parent an empty directory, which the caller deletes
   */
  constructor(original, parent) {
    const top = realpathSync(parent)
    this.folder = join(top, original)
    this.temporary = join(top, 'tmp')
    mkdirSync(this.temporary)
    cpSync(resolve(root, original), this.folder, {
      recursive: true,
      filter: (path) => !['node_modules', 'dist'].includes(basename(path))
    })
    cpSync(resolve(root, 'tsconfig.base.json'), join(top, 'tsconfig.base.json'))
    link(resolve(root, original, 'node_modules'), join(top, 'node_modules'))
    link(resolve(root, 'packages/hyper-types'), join(top, 'packages/hyper-types'))
  }

  /**
   * Runs something while one file of `src` is changed.
   *
   * @template T
   * @param {{ file: string, find: string, replace: string }} change
   * @param {() => Promise<T>} run
   */
  async changed({ file, find, replace }, run) {
    const path = join(this.folder, 'src', file)
    const source = readFileSync(path, 'utf8')
    const [before, after, ...more] = source.split(find)
    if (before === undefined || after === undefined || more.length > 0)
      throw new Error(`what is to be replaced does not occur exactly once in ${file}`)
    writeFileSync(path, before + replace + after)
    try {
      return await run()
    } finally {
      writeFileSync(path, source)
    }
  }
}

/**
 * A junction on Windows, which asks for no rights.
 *
 * @param {string} target
 * @param {string} path
 */
function link(target, path) {
  symlinkSync(target, path, 'junction')
}
