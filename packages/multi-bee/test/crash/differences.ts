import { isDeepStrictEqual } from 'node:util'
import b4a from 'b4a'
import type { MultiBee } from '../../src/index.ts'
import type { OracleState } from '../oracle/types.ts'
import { shownBy, shownByOracle } from '../support/shown.ts'

/** Where what a database shows is not what the oracle says; one line for each field or key. */
export async function differencesOf(
  db: MultiBee,
  state: OracleState,
  keys: readonly string[]
): Promise<string[]> {
  const { devices } = await db.status()
  const applied = devices
    .filter(({ applied }) => applied > 0)
    .map(({ key, applied }) => [b4a.toString(key, 'hex'), applied])
  const shown = { ...(await shownBy(db, await db.writers(), keys)), applied: Object.fromEntries(applied) }
  const expected = { ...shownByOracle(state, keys), applied: state.applied }
  return (Object.keys(expected) as (keyof typeof expected)[]).flatMap((part) => {
    const [is, should] = [shown[part], expected[part]] as Record<string, unknown>[] as [
      Record<string, unknown>,
      Record<string, unknown>
    ]
    return [...new Set([...Object.keys(should), ...Object.keys(is)])]
      .filter((name) => !isDeepStrictEqual(is[name], should[name]))
      .map((name) => `${part} ${name}: ${brief(is[name])} instead of ${brief(should[name])}`)
  })
}

function brief(value: unknown): string {
  return value === undefined ? 'nothing' : JSON.stringify(value).slice(0, 300)
}
