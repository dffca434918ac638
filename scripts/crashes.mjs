// Kills devices that are writing, many times over, and compares what is left: `npm run crashes -- --rounds 200 --seed 7`.
import { randomInt } from 'node:crypto'
import { parseArgs } from 'node:util'
import { tool } from './commands.mjs'

const USAGE = `npm run crashes -- [options]

  --rounds N   how often devices are killed and compared (200)
  --seed N     what they do, and about when they are killed (random)`

const { rounds, seed } = read()
console.log(`${rounds} rounds, seed ${seed}`)
// The tests' runner, because what the devices show is compared by the tests' model, which is TypeScript.
const { code } = await tool(
  'vitest',
  'vitest',
  ['run', '--project', 'multi-bee', 'test/crash.test.ts', '--disable-console-intercept'],
  { env: { CRASH_ROUNDS: String(rounds), CRASH_SEED: String(seed) } }
)
process.exit(code)

function read() {
  try {
    const { values } = parseArgs({ options: { rounds: { type: 'string' }, seed: { type: 'string' } } })
    return {
      rounds: whole('--rounds', values.rounds ?? '200', 1),
      seed: whole('--seed', values.seed ?? String(randomInt(2 ** 31)), 0)
    }
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`)
    return process.exit(2)
  }
}

/**
 * @param {string} name
 * @param {string} text
 * @param {number} least
 */
function whole(name, text, least) {
  const number = Number(text)
  if (!Number.isInteger(number) || number < least || number >= 2 ** 31)
    throw new Error(`${name} takes a whole number`)
  return number
}
