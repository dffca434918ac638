import { execFileSync, spawn } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { testCleanup, until } from '@cloudpal/test-kit'
import { expect, test } from 'vitest'
import { canMakeWorlds, inWorld } from './world.ts'

test.skipIf(!canMakeWorlds()).for([
  { name: 'Ctrl-C, which goes to all of its processes', end: (pid: number) => process.kill(-pid, 'SIGINT') },
  { name: 'the death of its first process', end: (pid: number) => process.kill(pid, 'SIGKILL') }
])('nothing is left of a world after $name', async ({ end }, { task }) => {
  const mark = `world-${process.pid}-${task.id}`
  const sleeper = `ip netns exec a bash -c 'echo up; exec -a ${mark} sleep 600'`
  const world = join(import.meta.dirname, 'world.sh')
  const child = spawn(world, ['friendly', 'symmetric', 'bash', '-c', sleeper], { detached: true })
  testCleanup().defer('network', () => child.kill('SIGKILL'))
  await new Promise((resolve) => child.stdout.once('data', resolve))
  await until(() => running(mark))
  end(child.pid as number)
  await until(() => !running(mark))
  expect(execFileSync('ip', ['netns', 'list'], { encoding: 'utf8' })).not.toMatch(/natA|natB/)
  expect(execFileSync('ip', ['link'], { encoding: 'utf8' })).not.toContain('to-nat')
})

test.skipIf(!canMakeWorlds())('a script that fails says why, and its world is gone', async () => {
  await expect(inWorld('friendly', 'friendly', 'no-such-script.mjs', {})).rejects.toThrow(/no-such-script/)
})

/** Whether there is a process of that name. */
function running(name: string): boolean {
  return readdirSync('/proc').some((pid) => {
    try {
      return /^\d+$/.test(pid) && readFileSync(`/proc/${pid}/cmdline`, 'utf8').startsWith(name)
    } catch {
      return false
    }
  })
}
