import { execFileSync, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

/** @typedef {import('./story.mjs').Outcome} Outcome */

/** Of the tests of `@cloudpal/relay`: two NATs and a public side, in namespaces that end with the processes in them. */
const WORLD = fileURLToPath(new URL('../../../packages/relay/test/namespaces/world.sh', import.meta.url))
const INSIDE = fileURLToPath(new URL('inside.mjs', import.meta.url))

/** What is missing to make network namespaces here; `null` when nothing is. CI demands them: `REQUIRE_NAMESPACES=1`. */
export function whyNoWorld() {
  if (process.env['REQUIRE_NAMESPACES'] === '1') return null
  if (process.platform !== 'linux') return 'only Linux has them'
  if (process.getuid?.() !== 0) return 'only root may make them'
  for (const [command, argument] of /** @type {const} */ ([
    ['ip', '-V'],
    ['nft', '-v'],
    ['unshare', '-V']
  ])) {
    try {
      execFileSync(command, [argument], { stdio: 'ignore' })
    } catch {
      return `${command} is not installed`
    }
  }
  return null
}

/**
 * Runs the story with both devices behind symmetric NATs.
 *
 * @param {(line: string) => void} tell
 * @returns {Promise<Outcome>}
 */
export async function inWorld(tell) {
  const child = spawn(WORLD, ['symmetric', 'symmetric', process.execPath, INSIDE], {
    stdio: ['pipe', 'pipe', 'inherit']
  })
  /** @type {Outcome | null} */
  let outcome = null
  createInterface(child.stdout).on('line', (text) => {
    /** @type {{ line?: string, outcome?: Outcome }} */
    const said = JSON.parse(text)
    if (said.line !== undefined) tell(said.line)
    outcome = said.outcome ?? outcome
  })
  const code = await new Promise((resolve, reject) => child.on('error', reject).on('close', resolve))
  if (outcome === null) throw new Error(`the story ended with ${code}`)
  return outcome
}
