import type { EventEmitter } from 'node:events'
import { testCleanup } from '@cloudpal/test-kit'
import crypto from 'hypercore-crypto'
import { expect, test, vi } from 'vitest'
import { LanDiscovery } from '../../src/lan/index.ts'
import { isOnLink, linksOf } from '../../src/lan/lan-link.ts'
import { announcementPacket, questionPacket } from '../../src/lan/lan-packets.ts'
import { labelOf } from '../../src/lan/lan-tag.ts'

const mdns = vi.hoisted(() => ({ sockets: [] as EventEmitter[], answers: 0 }))

vi.mock('multicast-dns', async () => {
  const { EventEmitter } = await import('node:events')
  return {
    default: () => {
      const socket = Object.assign(new EventEmitter(), {
        query: () => {},
        respond: () => void mdns.answers++,
        destroy: (done?: () => void) => done?.()
      })
      mdns.sockets.push(socket)
      return socket
    }
  }
})

test('an announcement from outside of the local network is none (RFC 6762, 11)', async () => {
  const lan = new LanDiscovery({ interfaces: () => ['127.0.0.1'] })
  testCleanup().defer('network', () => lan.close())
  await lan.ready()
  const { publicKey } = crypto.keyPair()
  const found: unknown[] = []
  lan.find(publicKey, (at) => found.push(at))
  const packet = announcementPacket([{ label: labelOf(publicKey), port: 4989 }])
  // The socket is open to all addresses: this one came by unicast, or with a source that somebody has made up.
  for (const socket of mdns.sockets) socket.emit('response', packet, { address: '203.0.113.9', port: 5353 })
  expect(found).toEqual([])
  for (const socket of mdns.sockets) socket.emit('response', packet, { address: '127.9.9.9', port: 5353 })
  expect(found).toEqual([{ host: '127.9.9.9', port: 4989 }])
})

test('the networks of a machine are all those of the interfaces in use, and no others', () => {
  const of = (address: string, netmask: string, family: string | number = 'IPv4') => ({
    address,
    netmask,
    family,
    internal: false
  })
  const interfaces = {
    eth0: [
      of('fe80::1', 'ffff:ffff:ffff:ffff::', 'IPv6'),
      of('192.168.1.7', '255.255.255.0'),
      of('10.9.0.1', '255.255.0.0', 4)
    ],
    wlan0: [of('172.16.5.5', '255.255.255.0')],
    tun0: undefined
  }
  const links = linksOf(new Set(['192.168.1.7', '198.51.100.1']), interfaces)
  const on = ['192.168.1.1', '192.168.1.255', '10.9.255.1', '198.51.100.1']
  const off = [
    '192.168.2.1',
    '10.8.0.1',
    '172.16.5.5',
    '198.51.100.2',
    '0.0.0.0',
    '255.255.255.255',
    '64.168.1.7'
  ]
  expect([...on, ...off].filter((address) => isOnLink(address, links))).toEqual(on)
})

test('a question from outside of the local network is not answered', async () => {
  const lan = new LanDiscovery({ interfaces: () => ['127.0.0.1'] })
  testCleanup().defer('network', () => lan.close())
  vi.useFakeTimers()
  testCleanup().defer('stream', () => void vi.useRealTimers())
  await lan.ready()
  lan.announce(crypto.keyPair().publicKey, 4989)
  mdns.answers = 0
  const ask = (address: string): void => {
    for (const socket of mdns.sockets) socket.emit('query', questionPacket(), { address, port: 5353 })
  }
  ask('203.0.113.9')
  expect(mdns.answers).toBe(0)
  ask('127.9.9.9')
  expect(mdns.answers).toBeGreaterThan(0)
})
