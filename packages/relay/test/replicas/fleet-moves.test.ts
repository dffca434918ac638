import { until } from '@cloudpal/test-kit'
import crypto from 'hypercore-crypto'
import { expect, test } from 'vitest'
import { HeartbeatSource, ReplicaSet } from '../../src/index.ts'
import type { ControlMessage } from '../../src/protocol/control.ts'
import { listening } from '../listening.ts'
import { sayAsRelay } from '../lying.ts'
import { startDevice } from '../relays.ts'

test('a device that would be better off elsewhere, and cannot get there, stays where it is', async () => {
  const owner = crypto.keyPair()
  const [one, other, gone] = [crypto.keyPair(), crypto.keyPair(), crypto.keyPair()]
  const sources = [one, other, gone].map((pair) => new HeartbeatSource(owner.publicKey, pair))
  const beats = (): ControlMessage[] =>
    sources.map((source, i) => ({
      type: 'beat',
      record: source.next({ load: i === 2 ? 0.1 : 0.85 }).bytes
    }))
  let [dials, registers] = [0, 0]
  const busy = [one, other].map((pair) =>
    listening((socket) =>
      sayAsRelay(socket, pair, ({ type }) => {
        if (type === 'register') {
          registers++
          return [{ type: 'registered' }, ...beats()]
        }
        // Somebody visits: the device registers anew, and stands well.
        return [{ type: 'pong' }, ...beats(), { type: 'incoming', from: owner.publicKey }]
      })
    )
  )
  const idle = listening((socket) => {
    dials++
    socket.destroy()
  })
  const ports = (await Promise.all([...busy, idle])).map(({ port }) => port)
  const members = [one, other, gone].map(({ publicKey }, i) => ({
    key: publicKey,
    addresses: [`tcp://127.0.0.1:${ports[i]}`]
  }))
  const set = ReplicaSet.sign(members, 1, owner).bytes
  let moves = 0
  const device = await startDevice(crypto.keyPair(), {
    replicas: { owner: owner.publicKey, set },
    times: { keepAliveMs: 20, maxKeepAliveMs: 20, attemptMs: 200, retryMs: 5 }
  })
  device.on('unregistered', (_, error) => {
    if (error.code === 'RELAY_REDIRECT') moves++
  })
  await until(() => dials >= 2)
  const before = registers
  await until(() => registers >= before + 40)
  expect(moves).toBe(0)
})
