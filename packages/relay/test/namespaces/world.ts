import { execFileSync, spawn } from 'node:child_process'
import { join } from 'node:path'

export type Nat = 'friendly' | 'symmetric'

/** Whether namespaces can be made here; says so when they cannot. CI demands it: `REQUIRE_NAMESPACES=1`. */
export function canMakeWorlds(): boolean {
  if (process.env['REQUIRE_NAMESPACES'] === '1') return true
  try {
    if (process.platform !== 'linux' || process.getuid?.() !== 0) throw new Error('not root on Linux')
    for (const [command, argument] of [
      ['ip', '-V'],
      ['nft', '-v'],
      ['unshare', '-V']
    ] as const) {
      execFileSync(command, [argument], { stdio: 'ignore' })
    }
    return true
  } catch {
    const needs = 'root on Linux, with iproute2, nftables and util-linux'
    console.warn(`Skipped: tests between network namespaces. They need ${needs}.`)
    return false
  }
}

/** Runs a script of `test/processes` behind two NATs, and gives what it says: one JSON object. */
export function inWorld<T>(natOfA: Nat, natOfB: Nat, script: string, config: object): Promise<T> {
  return run('world.sh', [natOfA, natOfB], script, config)
}

/** The same on a local network that leads nowhere. */
export function onLan<T>(script: string, config: object): Promise<T> {
  return run('lan.sh', [], script, config)
}

/** The namespaces end with the script, and the script with this process, however that ends: it reads its stdin to the end. */
async function run<T>(world: string, options: string[], script: string, config: object): Promise<T> {
  const path = join(import.meta.dirname, '../processes', script)
  const args = [...options, process.execPath, path, JSON.stringify(config)]
  const child = spawn(join(import.meta.dirname, world), args, { stdio: 'pipe' })
  let [said, complaint] = ['', '']
  child.stdout.on('data', (data) => (said += String(data)))
  child.stderr.on('data', (data) => (complaint += String(data)))
  const code = await new Promise<number | null>((resolve, reject) =>
    child.on('error', reject).on('close', (code) => resolve(code))
  )
  if (code !== 0) throw new Error(`${script} ended with ${code}: ${complaint}`)
  return JSON.parse(said) as T
}
