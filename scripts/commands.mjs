import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { basename, dirname, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The repository's top folder. */
export const root = resolve(dirname(fileURLToPath(import.meta.url)), '..')

/** @type {{ packageManager: string }} */
const manifest = JSON.parse(readFileSync(resolve(root, 'package.json'), 'utf8'))

/**
 * @typedef {object} RunOptions
 * @property {string} [cwd]
 * @property {Record<string, string>} [env] added to this process's own
 * @property {boolean} [quiet] collect the output instead of showing it
 *
 * @typedef {object} Result
 * @property {number} code
 * @property {string} output empty unless quiet
 */

/**
 * Runs a script with this Node: no shell, so the same on Windows.
 *
 * @param {string[]} args
 * @param {RunOptions} [options]
 * @returns {Promise<Result>}
 */
export function node(args, options) {
  return run(process.execPath, args, options)
}

/**
 * Runs the command that a development dependency brings.
 *
 * @param {string} dependency
 * @param {string} command
 * @param {string[]} args
 * @param {RunOptions} [options]
 */
export function tool(dependency, command, args, options) {
  return node([toolScript(dependency, command), ...args], options)
}

/**
 * The script behind such a command.
 *
 * @param {string} dependency
 * @param {string} command
 * @returns {string}
 */
export function toolScript(dependency, command) {
  const folder = resolve(root, 'node_modules', dependency)
  const { bin } = JSON.parse(readFileSync(resolve(folder, 'package.json'), 'utf8'))
  return resolve(folder, typeof bin === 'string' ? bin : bin[command])
}

/**
 * @param {string[]} args
 * @param {RunOptions} [options]
 */
export function npm(args, options) {
  const cli = process.env['npm_execpath'] ?? ''
  if (basename(cli) === 'npm-cli.js') return node([cli, ...args], options)
  // Not started by npm. On Windows npm is a .cmd file, which only a shell can start.
  if (process.platform !== 'win32') return run('npm', args, options)
  return run('npm', args.map(quoteForCmd), options, true)
}

/**
 * Runs the pnpm that `packageManager` names; npm fetches it on first use.
 *
 * @param {string[]} args
 * @param {RunOptions} [options]
 */
export function pnpm(args, options) {
  return npm(['exec', '--yes', `--package=${manifest.packageManager}`, '--', 'pnpm', ...args], options)
}

/**
 * Runs what the system has installed.
 *
 * @param {string} name
 * @param {string[]} args
 * @param {RunOptions} [options]
 */
export function command(name, args, options) {
  return run(name, args, options)
}

/** @param {string} arg */
function quoteForCmd(arg) {
  return /^[\w./:@=\\-]+$/.test(arg) ? arg : `"${arg}"`
}

/**
 * @param {string} command
 * @param {string[]} args
 * @param {RunOptions} [options]
 * @returns {Promise<Result>}
 */
function run(command, args, { cwd = root, env = {}, quiet = false } = {}, shell = false) {
  return new Promise((done) => {
    let output = ''
    const stdio = quiet ? /** @type {const} */ (['ignore', 'pipe', 'pipe']) : 'inherit'
    const child = spawn(command, args, { cwd, env: { ...process.env, ...env }, stdio, shell })
    child.stdout?.on('data', (data) => (output += data))
    child.stderr?.on('data', (data) => (output += data))
    child.on('error', (error) => done({ code: 1, output: `${output}${error.message}\n` }))
    child.on('close', (code) => done({ code: code ?? 1, output }))
  })
}
