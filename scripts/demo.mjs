// Starts examples/address-book. A file named on the command line is meant from where the caller stands.
import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { npm, root } from './commands.mjs'

const from = process.env['INIT_CWD'] ?? process.cwd()
const args = process.argv.slice(2).map((arg) => (existsSync(resolve(from, arg)) ? resolve(from, arg) : arg))
const { code } = await npm(['run', '--silent', 'start', '--', ...args], {
  cwd: resolve(root, 'examples/address-book')
})
process.exit(code)
