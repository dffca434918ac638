import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect } from 'node:net'
import { fileURLToPath } from 'node:url'
import { collect, testCleanup, tmpDir, tmpStore } from '@cloudpal/test-kit'
import Hyperbee from 'hyperbee'
import { expect, test } from 'vitest'
import { type Policy, UnionBee } from '../src/index.ts'
import { makeBee, type TextBee } from './support/bees.ts'
import { HangTimer } from './support/fake-source.ts'

interface Peer {
  /** The peer's bee, sparse. */
  bee: TextBee
  /** Ends the process at once, and resolves when its connection is gone. */
  kill(): Promise<void>
}

const store = () => tmpStore()

/** A bee that another process holds. */
async function remotePeer(local: Awaited<ReturnType<typeof store>>): Promise<Peer> {
  const program = fileURLToPath(new URL('processes/serving.mjs', import.meta.url))
  const child = spawn(process.execPath, [program, await tmpDir()], { stdio: ['ignore', 'pipe', 'inherit'] })
  const exited = once(child, 'exit')
  testCleanup().defer('swarm', async () => {
    child.kill('SIGKILL')
    await exited
  })
  const [line] = (await once(child.stdout, 'data')) as [Buffer]
  const [key = '', port] = line.toString().trim().split(' ')
  const socket = connect(Number(port), '127.0.0.1')
  const stream = local.replicate(true)
  socket.on('error', () => {})
  stream.on('error', () => {})
  stream.pipe(socket as never)
  socket.pipe(stream as never)
  // Not `once`: that rejects when the peer resets the connection first.
  const closed = new Promise<void>((resolve) => socket.on('close', () => resolve()))
  testCleanup().defer('stream', async () => {
    socket.destroy()
    await closed
  })
  const bee: TextBee = new Hyperbee(local.get({ key: Buffer.from(key, 'hex') }), {
    keyEncoding: 'utf-8',
    valueEncoding: 'json'
  })
  await bee.update({ wait: true })
  const kill = async (): Promise<void> => {
    child.kill('SIGKILL')
    await closed
  }
  return { bee, kill }
}

async function unionWithPeer(policy: Policy) {
  const local = await tmpStore()
  const peer = await remotePeer(local)
  const mine = await makeBee(local, 'mine', { 'a mine': 1, 'z mine': 1 })
  const timer = new HangTimer()
  const sources = [
    { bee: mine, name: 'mine' },
    { bee: peer.bee, name: 'friend', cost: 1 }
  ]
  return { union: new UnionBee(sources, { policy, timer, timeoutMs: 10_000 }), peer, timer }
}

/** Reads some entries, kills the peer, and lets the time pass when nothing has come for a while: what is read here has long come then. */
async function readOn({ union, peer, timer }: Awaited<ReturnType<typeof unionWithPeer>>) {
  // A limit keeps the bee from loading everything ahead.
  const stream = union.createReadStream({ limit: 4900 })
  const keys: string[] = []
  let ticking: ReturnType<typeof setInterval> | null = null
  try {
    for await (const { key } of stream) {
      keys.push(key)
      if (keys.length !== 20) continue
      await peer.kill()
      let before = keys.length
      ticking = setInterval(() => {
        if (keys.length === before) timer.fire()
        before = keys.length
      }, 2_000)
    }
  } finally {
    if (ticking !== null) clearInterval(ticking)
  }
  return { keys, skipped: stream.skipped.map(({ source }) => source) }
}

test('a friend’s bee is read over the wire, beside what is here', async () => {
  const { union } = await unionWithPeer('fail')
  expect((await union.get('remote 4999'))?.value).toBe('x'.repeat(100))
  expect((await collect(union.createReadStream())).length).toBe(5002)
  await union.close()
})

test('a scan goes on with what is here when the process of a peer is killed in the middle, and says so', async () => {
  const run = await unionWithPeer('degrade')
  const { keys, skipped } = await readOn(run)
  expect(keys[0]).toBe('a mine')
  expect(keys.at(-1)).toBe('z mine')
  expect(keys.length).toBeGreaterThanOrEqual(20)
  expect(keys.length).toBeLessThan(4900)
  expect(skipped).toEqual(['friend'])
  await run.union.close()
})

test('with the policy `fail` it ends with a code', async () => {
  const run = await unionWithPeer('fail')
  await expect(readOn(run)).rejects.toMatchObject({ code: 'UNION_BEE_SOURCE_TIMEOUT', source: 'friend' })
  await run.union.close()
})
