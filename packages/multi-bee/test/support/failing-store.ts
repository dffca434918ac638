import type Corestore from 'corestore'
import type Hypercore from 'hypercore'
import type { GetCoreOptions } from 'corestore'

/** When a write to a core fails. `after`: it is stored all the same, as when what comes behind it has no room. */
export interface Failing {
  append: 'before' | 'after' | null
  setUserData: boolean
}

/** Makes the writes of a store's cores fail while told to. */
export function failingStore(store: Corestore): Failing {
  const failing: Failing = { append: null, setUserData: false }
  const get = store.get.bind(store)
  store.get = (options: GetCoreOptions | Uint8Array | string): Hypercore => {
    const core = get(options)
    const [append, setUserData] = [core.append.bind(core), core.setUserData.bind(core)]
    core.append = async (...args) => {
      if (failing.append === 'before') throw new Error('no room')
      const result = await append(...args)
      if (failing.append === 'after') throw new Error('no room')
      return result
    }
    core.setUserData = async (...args) => {
      if (failing.setUserData) throw new Error('no room')
      return setUserData(...args)
    }
    return core
  }
  return failing
}
