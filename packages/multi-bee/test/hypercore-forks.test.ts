import { tmpStore } from '@cloudpal/test-kit'
import b4a from 'b4a'
import type { TreeNode } from 'hypercore-crypto'
import { expect, test } from 'vitest'
import { watchForks } from '../src/hypercore-forks.ts'
import type { LogFork } from '../src/log/fork-proof.ts'

interface Proof {
  upgrade: { length: number; nodes: TreeNode[]; additionalNodes: TreeNode[] }
}

test('a peer that moves bytes between the nodes of an honest copy proves no fork, though all it sends is signed', async () => {
  const core = (await tmpStore()).get({ name: 'log' })
  await core.append(['one', 'two', 'three', 'four', 'five'].map((text) => b4a.from(text)))
  const forks: LogFork[] = []
  const end = watchForks(core, (fork) => forks.push(fork))
  const peer = {
    remoteFork: 0,
    remoteLength: core.length,
    wireRequest: { send: () => true },
    onrequest: () => Promise.resolve()
  }
  const { checkConflict } = core.core as {
    checkConflict(proof: unknown, from: unknown): Promise<boolean>
  }
  for (const length of [1, 2, 3]) {
    const proof = (await core.proof({ upgrade: { start: 0, length } })) as unknown as Proof
    const { nodes, additionalNodes } = proof.upgrade
    const [last, next] = [nodes.at(-1), additionalNodes[0]] as [TreeNode, TreeNode]
    const upgrade = {
      ...proof.upgrade,
      nodes: [...nodes.slice(0, -1), { ...last, size: last.size + 1 }],
      additionalNodes: [{ ...next, size: next.size - 1 }, ...additionalNodes.slice(1)]
    }
    await checkConflict({ ...proof, upgrade }, peer)
  }
  expect(forks).toEqual([])
  end()
})
