// Mutated blocks in members' logs, by the thousand: `npm run malice -- --blocks 100000 --seed 1`. The last line says what came of it.
import { parseArgs } from 'node:util'
import { tool } from './commands.mjs'

const { values } = parseArgs({
  options: { blocks: { type: 'string', default: '100000' }, seed: { type: 'string', default: '1' } }
})
for (const [name, value] of Object.entries(values)) {
  if (/^[1-9][0-9]{0,8}$/.test(value)) continue
  console.error(`--${name} takes a whole number above 0, not ${value}`)
  process.exit(1)
}

const file = 'packages/multi-bee/test/malice-blocks.test.ts'
const env = { MALICE_BLOCKS: values.blocks, MALICE_SEED: values.seed }
const { code, output } = await tool('vitest', 'vitest', ['run', '--project', 'multi-bee', file], {
  env,
  quiet: true
})
const summary = output.split('\n').find((line) => line.includes('devices compared'))
if (code !== 0 || summary === undefined) console.error(output.trimEnd())
console.log(code === 0 && summary !== undefined ? summary : 'malice: FAILED, see above')
process.exitCode = code
