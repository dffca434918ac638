import { readFileSync } from 'node:fs'
import { until } from '@cloudpal/test-kit'
import { expect, test } from 'vitest'
import { nextConnection, startDevice, startRelay, twoKeyPairs } from './relays.ts'
import { startSwitch } from './switch-proxy.ts'

/** Sockets to this port of this machine that some process holds, by what the kernel lists. */
function socketsTo(port: number): number {
  const hex = port.toString(16).toUpperCase().padStart(4, '0')
  const lines = readFileSync('/proc/net/tcp', 'utf8').trim().split('\n').slice(1)
  return lines.filter((line) => {
    const [, , remote = '', , , , , , , inode] = line.trim().split(/\s+/)
    return remote.endsWith(`:${hex}`) && inode !== '0'
  }).length
}

// Only there does the kernel say so in a file.
test.skipIf(process.platform !== 'linux')(
  'no socket is left once a client has closed, also where a relay does not let go of one',
  async () => {
    const [a, b] = twoKeyPairs()
    const { relay, address } = await startRelay([a, b])
    const wall = await startSwitch(relay.ports.tcp ?? 0)
    wall.on = true
    const relays = [{ publicKey: relay.publicKey, tcp: { host: '127.0.0.1', port: wall.port } }]
    const alice = await startDevice(a, { relays })
    const bob = await startDevice(b, { relays: [address] })
    await until(() => alice.registeredAt.length + bob.registeredAt.length === 2)
    const incoming = nextConnection(bob)
    const connection = alice.connect(bob.publicKey)
    await connection.opened
    await incoming
    expect(socketsTo(wall.port)).toBe(2)
    wall.frozen = true
    // One is being left, one is in use, and one is on its way.
    alice.connect(bob.publicKey)
    connection.destroy()
    await alice.close()
    expect(socketsTo(wall.port)).toBe(0)
  }
)
