import { until } from '@cloudpal/test-kit'
import { expect, test } from 'vitest'
import { RelayLink } from '../src/paths/relay-link.ts'
import { frame, FRAME } from '../src/protocol/frames.ts'
import { listening } from './listening.ts'
import { sayAsRelay } from './lying.ts'
import { wirePair } from './memory-wire.ts'
import { startDevice, twoKeyPairs } from './relays.ts'

const HOST = '127.0.0.1'

test('a relay that says `opened` to who has opened nothing breaks the protocol, and its data is not kept', async () => {
  const [a, self] = twoKeyPairs()
  const [near, far] = wirePair()
  const ended: (string | null)[] = []
  const link: RelayLink = new RelayLink(
    near,
    { keyPair: a, relay: self.publicKey, grant: null },
    {
      onwelcome: () => link.register(30_000),
      onclose: ({ code }) => ended.push(code)
    }
  )
  sayAsRelay(far, self, ({ type }) =>
    type === 'register' ? [{ type: 'registered' }, { type: 'opened' }] : []
  )
  await new Promise((resolve) => setImmediate(resolve))
  far.write(frame(FRAME.DATA, new Uint8Array(60_000)))
  await new Promise((resolve) => setImmediate(resolve))
  expect(ended).toEqual(['RELAY_PROTOCOL'])
})

test('a device goes on registering at a relay that said `opened` to its registration, and closed', async () => {
  const [a, liar] = twoKeyPairs()
  let knocks = 0
  const { port } = await listening((socket) => {
    knocks++
    sayAsRelay(socket, liar, ({ type }) => {
      if (type !== 'register' || knocks > 1) return []
      setImmediate(() => socket.destroy())
      return [{ type: 'registered' }, { type: 'opened' }]
    })
  })
  const relays = [{ publicKey: liar.publicKey, tcp: { host: HOST, port } }]
  await startDevice(a, { relays, times: { keepAliveMs: 100, retryMs: 50, attemptMs: 500, pongMs: 100 } })
  await until(() => knocks >= 2)
})
