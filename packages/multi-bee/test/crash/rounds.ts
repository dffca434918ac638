import { join } from 'node:path'
import { seededRandom } from '@cloudpal/test-kit'
import { CrashDatabase } from './database.ts'

/** Over all rounds. */
export interface Totals {
  rounds: number
  databases: number
  kills: number
  acknowledged: number
  lost: number
  differences: number
}

/** A round in which something was lost, or was not as it should be. */
class RoundFailure extends Error {
  override readonly name = 'RoundFailure'
}

/**
 * Runs rounds of crashes, over as many databases as it takes.
 *
 * @param directory - for their files
 * @param print - gets a line a round
 * @throws RoundFailure at the first round that fails, with what failed and how to run it again
 */
export async function runRounds(
  rounds: number,
  seed: number,
  directory: string,
  print: (line: string) => void
): Promise<Totals> {
  const totals: Totals = { rounds: 0, databases: 0, kills: 0, acknowledged: 0, lost: 0, differences: 0 }
  const random = seededRandom(seed)
  let database: CrashDatabase | null = null
  for (let round = 1; round <= rounds; round++) {
    const started = performance.now()
    if (database === null || database.isFull) {
      database = new CrashDatabase(join(directory, `database-${totals.databases++}`), random)
      await database.create()
    }
    const result = await database.round().catch((cause: unknown) => {
      throw new RoundFailure(`round ${round} could not be finished\n${again(seed, round, directory)}`, {
        cause
      })
    })
    totals.rounds++
    totals.kills += result.kills
    totals.acknowledged += result.acknowledged
    totals.lost += result.lost.length
    totals.differences += result.differences.length
    const seconds = ((performance.now() - started) / 1000).toFixed(1)
    print(
      `round ${round}: database ${totals.databases}, ${result.devices} devices, ${result.kills} kills, ` +
        `${result.acknowledged} acknowledged, ${result.blocks} blocks, ${seconds} s`
    )
    const problems = [...result.lost.map((text) => `lost: ${text}`), ...result.differences]
    if (problems.length === 0) continue
    const shown = problems.slice(0, 20).join('\n  ')
    throw new RoundFailure(
      `round ${round}: ${result.lost.length} lost, ${result.differences.length} differences\n  ${shown}\n${again(seed, round, directory)}`
    )
  }
  return totals
}

function again(seed: number, round: number, directory: string): string {
  return (
    `The same plan again: npm run crashes -- --seed ${seed} --rounds ${round}. When exactly a kill strikes cannot be repeated, ` +
    `so it may take more tries.\nThe databases are left in ${directory}`
  )
}
