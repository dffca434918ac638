import b4a from 'b4a'
import { collect } from '@cloudpal/test-kit'
import type { BeeEditor } from '../../src/bee/bee-editor.ts'
import type { WriterInfo } from '../../src/types.ts'
import type { OracleState, Value } from '../oracle/types.ts'

const hex = (bytes: Uint8Array): string => b4a.toString(bytes, 'hex')
const text = (key: string): string => b4a.toString(b4a.from(key, 'hex'))

/** Everything a database answers with, in a form that compares. */
export interface Shown {
  members: unknown[]
  /** In the order of a scan. */
  entries: [key: string, value: unknown][]
  /** Of the keys that were asked for. */
  conflicts: Record<string, unknown[]>
  history: unknown[]
}

/** What a database shows whose keys are text and whose values are JSON. By its public interface. */
export async function shownBy(
  bee: BeeEditor<string, unknown>,
  writers: readonly WriterInfo[],
  keys: readonly string[]
): Promise<Shown> {
  const entries = (await collect(bee.createReadStream())).map(({ key, value }): [string, unknown] => [
    key,
    value
  ])
  const conflicts = await Promise.all(
    keys.map(async (key): Promise<[string, unknown[]]> => {
      const found = await bee.conflicts(key)
      return [
        key,
        found.map(({ path, value, deleted, writer, time }) => {
          return { path, value: deleted ? null : value, deleted, writer: hex(writer), time }
        })
      ]
    })
  )
  const history = await collect(bee.createHistoryStream())
  return {
    members: writers.map(({ key, name, cutOff, removed, previous }) => {
      const length = cutOff?.length ?? null
      return { writer: hex(key), name, cutOff: length, removed, previous: previous && hex(previous) }
    }),
    entries,
    conflicts: Object.fromEntries(conflicts),
    history: history.map(({ type, key, path, writer, seq, time }) => {
      return { type, key, path, writer: hex(writer), seq, time }
    })
  }
}

/** What every device that holds a world has to show. */
export function shownByOracle(state: OracleState, keys: readonly string[]): Shown {
  const conflictsOf = (key: string): unknown[] =>
    state.conflicts(hex(b4a.from(key))).map(({ path, value, deleted, writer, ms }) => {
      return { path, value: value === null ? null : plain(value), deleted, writer, time: ms }
    })
  return {
    members: state.members,
    entries: [...state.entries].map(([key, value]) => [text(key), plain(value)]),
    conflicts: Object.fromEntries(keys.map((key) => [key, conflictsOf(key)])),
    history: state.history.map(({ type, key, path, writer, seq, ms }) => {
      return { type: type === 'assign' ? 'put' : 'del', key: text(key), path, writer, seq, time: ms }
    })
  }
}

function plain(value: Value): unknown {
  if (value.kind === 'opaque') throw new Error('an opaque value among json')
  return JSON.parse(value.text)
}
