import { isDeepStrictEqual } from 'node:util'
import b4a from 'b4a'
import type { MultiBee } from '../../src/index.ts'
import type { OracleState, Value } from '../oracle/types.ts'

const hex = (bytes: Uint8Array): string => b4a.toString(bytes, 'hex')

/** Everything a device shows of a database, as plain data. */
export interface Shown {
  members: unknown[]
  applied: Record<string, number>
  entries: Record<string, unknown>
  conflicts: Record<string, unknown>
  history: unknown[]
}

/** Of a database whose keys are strings and whose values are json. By its public interface. */
export async function shownBy(db: MultiBee, keys: readonly string[]): Promise<Shown> {
  const entries: Record<string, unknown> = {}
  for await (const { key, value } of db.createReadStream()) entries[key] = value
  const conflicts: Record<string, unknown> = {}
  for (const key of keys) {
    const found = await db.conflicts(key)
    if (found.length === 0) continue
    conflicts[key] = found.map(({ path, value, deleted, writer, time }) => ({
      path,
      value: deleted ? null : value,
      deleted,
      writer: hex(writer),
      time
    }))
  }
  const history: unknown[] = []
  for await (const { type, key, path, writer, seq, time } of db.createHistoryStream())
    history.push({ type, key, path, writer: hex(writer), seq, time })
  const { devices } = await db.status()
  return {
    members: (await db.writers()).map(({ key, name, cutOff, forked, previous }) => ({
      writer: hex(key),
      name,
      cutOff: cutOff?.length ?? null,
      removed: cutOff !== null && !forked,
      previous: previous && hex(previous)
    })),
    applied: Object.fromEntries(
      devices.filter(({ applied }) => applied > 0).map(({ key, applied }) => [hex(key), applied])
    ),
    entries,
    conflicts,
    history
  }
}

/** What every device that holds a world has to show. */
export function shownByOracle(state: OracleState, keys: readonly string[]): Shown {
  const conflicts: Record<string, unknown> = {}
  for (const key of keys) {
    const found = state.conflicts(hexOf(key))
    if (found.length === 0) continue
    conflicts[key] = found.map(({ path, value, deleted, writer, ms }) => ({
      path,
      value: value === null ? null : plain(value),
      deleted,
      writer,
      time: ms
    }))
  }
  return {
    members: state.members,
    applied: state.applied,
    entries: Object.fromEntries([...state.entries].map(([key, value]) => [textOf(key), plain(value)])),
    conflicts,
    history: state.history.map(({ type, key, path, writer, seq, ms }) => ({
      type: type === 'assign' ? 'put' : 'del',
      key: textOf(key),
      path,
      writer,
      seq,
      time: ms
    }))
  }
}

/** Where what is shown is not what should be; one line for each field or key. */
export function differencesOf(shown: Shown, expected: Shown): string[] {
  return (Object.keys(expected) as (keyof Shown)[]).flatMap((part) => {
    const [is, should] = [shown[part] as Record<string, unknown>, expected[part] as Record<string, unknown>]
    return [...new Set([...Object.keys(should), ...Object.keys(is)])]
      .filter((name) => !isDeepStrictEqual(is[name], should[name]))
      .map((name) => `${part} ${name}: ${brief(is[name])} instead of ${brief(should[name])}`)
  })
}

function hexOf(key: string): string {
  return Buffer.from(key).toString('hex')
}

function textOf(key: string): string {
  return Buffer.from(key, 'hex').toString()
}

function plain(value: Value): unknown {
  if (value.kind === 'opaque') throw new Error('an opaque value among json')
  return JSON.parse(value.text)
}

function brief(value: unknown): string {
  return value === undefined ? 'nothing' : JSON.stringify(value).slice(0, 300)
}
