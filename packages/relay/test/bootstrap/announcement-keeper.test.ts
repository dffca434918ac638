import { testCleanup, until } from '@cloudpal/test-kit'
import { expect, test } from 'vitest'
import { AnnouncementKeeper, type FindPeerLike, type FindPeerQueryLike } from '../../src/bootstrap/index.ts'
import { keyPair } from '../replicas/records.ts'

const { publicKey } = keyPair(1)

/** A query that finds these, and then ends, or goes on until it is destroyed. */
function query(found: readonly Uint8Array[], goesOn = false): FindPeerQueryLike & { destroyed: boolean } {
  let end: () => void = () => {}
  const over = new Promise<void>((resolve) => (end = resolve))
  const made = {
    destroyed: false,
    destroy() {
      made.destroyed = true
      end()
    },
    async *[Symbol.asyncIterator]() {
      for (const publicKey of found) yield { peer: { publicKey } }
      if (goesOn) await over
    }
  }
  return made
}

function start(node: FindPeerLike, refresh: () => void): AnnouncementKeeper {
  const keeper = new AnnouncementKeeper(node, { publicKey, refresh }, { everyMs: 1 })
  testCleanup().defer('swarm', () => keeper.close())
  return keeper
}

test('it goes on looking when the server could not be announced', async () => {
  let refreshed = 0
  const refresh = (): void => {
    refreshed++
    throw new Error('the server is closing')
  }
  await start({ findPeer: () => query([keyPair(2).publicKey]) }, refresh).ready()
  await until(() => refreshed > 1)
})

test('whoever is found is not announced again', async () => {
  let [looks, refreshed] = [0, 0]
  const findPeer = (): FindPeerQueryLike => {
    looks++
    return query([keyPair(2).publicKey, publicKey])
  }
  await start({ findPeer }, () => refreshed++).ready()
  await until(() => looks > 2)
  expect(refreshed).toBe(0)
})

test('closing does not wait for nodes that take their time', async () => {
  const slow = query([], true)
  let [looks, refreshed] = [0, 0]
  const findPeer = (): FindPeerQueryLike => {
    looks++
    return slow
  }
  const keeper = start({ findPeer }, () => refreshed++)
  await keeper.ready()
  await until(() => looks === 1)
  await keeper.close()
  expect([slow.destroyed, refreshed]).toEqual([true, 0])
})
