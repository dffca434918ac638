import { execFileSync } from 'node:child_process'
import { expect, test } from 'vitest'
import { demo } from '../src/demo.mjs'

/** CI demands it: `REQUIRE_NAMESPACES=1`. Elsewhere it says when it does not run. */
function canMakeWorlds() {
  if (process.env['REQUIRE_NAMESPACES'] === '1') return true
  try {
    if (process.platform !== 'linux' || process.getuid?.() !== 0) throw new Error('not root on Linux')
    for (const [command, argument] of /** @type {const} */ ([
      ['ip', '-V'],
      ['nft', '-v'],
      ['unshare', '-V']
    ]))
      execFileSync(command, [argument], { stdio: 'ignore' })
    return true
  } catch {
    console.warn('Skipped: it needs root on Linux, with iproute2, nftables and util-linux.')
    return false
  }
}

test.skipIf(!canMakeWorlds())(
  'two devices sync through the relay, and directly once the NATs let them',
  async () => {
    /** @type {string[]} */
    const lines = []
    expect(await demo((line) => lines.push(line))).toBe(0)
    expect(lines).toEqual([
      'Two devices behind symmetric NATs, and a relay that both can reach.',
      'The phone has reached the laptop by: relay',
      'The phone reads “note 0”: written by device 1',
      'The NATs are friendly now.',
      'The connection has moved to: udp',
      'The phone reads “note 1”: written by device 1',
      'The phone reads “note 2”: written by device 1',
      'Of that the relay has carried 0 bytes.'
    ])
  },
  120_000
)
