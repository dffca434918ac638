import { until } from '@cloudpal/test-kit'
import crypto from 'hypercore-crypto'
import { expect, test } from 'vitest'
import { nextConnection, startDevice, startRelay, twoKeyPairs } from './relays.ts'
import { startSwitch } from './switch-proxy.ts'

test('what passes the relay holds no byte of what is said, no secret key, and no key of the session', async () => {
  const [a, b] = twoKeyPairs()
  const { relay } = await startRelay([a, b])
  const wire = await startSwitch(relay.ports.tcp ?? 0)
  wire.on = true
  const passed: Buffer[] = []
  wire.meddle = (chunk) => {
    passed.push(Buffer.from(chunk))
    return chunk
  }
  const relays = [{ publicKey: relay.publicKey, tcp: { host: '127.0.0.1', port: wire.port } }]
  const [alice, bob] = [await startDevice(a, { relays }), await startDevice(b, { relays })]
  await until(() => bob.registeredAt.length === 1)
  const incoming = nextConnection(bob)
  const connection = alice.connect(bob.publicKey)
  await connection.opened
  const other = await incoming
  const canary = Buffer.from(crypto.randomBytes(32).toString())
  const heard: Buffer[] = []
  other.on('data', (data) => heard.push(Buffer.from(data)))
  for (let i = 0; i < 100; i++) connection.write(canary)
  await until(() => Buffer.concat(heard).length === 100 * canary.length)
  expect(Buffer.concat(heard).subarray(0, canary.length).equals(canary)).toBe(true)

  const traffic = Buffer.concat(passed)
  expect(traffic.length).toBeGreaterThan(100 * canary.length)
  for (const secret of [canary, a.secretKey, b.secretKey, a.secretKey.subarray(0, 32)])
    expect(traffic.includes(Buffer.from(secret).subarray(0, 16))).toBe(false)
})
