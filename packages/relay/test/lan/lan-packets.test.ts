import packet from 'dns-packet'
import fc from 'fast-check'
import type { ResponsePacket } from 'multicast-dns'
import { expect, test } from 'vitest'
import { announcedIn, announcementPacket, isQuestion, SERVICE } from '../../src/lan/lan-packets.ts'
import { labelOf } from '../../src/lan/lan-tag.ts'
import { keyPair } from '../replicas/records.ts'

const devices = [1, 2].map((n) => ({ label: labelOf(keyPair(n).publicKey), port: 4000 + n }))

/** As it comes off the wire. */
function overTheWire(message: object): ResponsePacket {
  return packet.decode(packet.encode({ type: 'response', ...message })) as unknown as ResponsePacket
}

test('what is announced is what is read', () => {
  expect(announcedIn(overTheWire(announcementPacket(devices)))).toEqual(devices)
})

test('a goodbye announces nobody', () => {
  expect(announcedIn(overTheWire(announcementPacket(devices, true)))).toEqual([])
})

test('an address that a packet names is not looked at', () => {
  const label = devices[0]?.label ?? ''
  const elsewhere = { name: `${label}.local`, type: 'A' as const, ttl: 120, data: '192.0.2.99' }
  const { answers } = announcementPacket(devices.slice(0, 1))
  const read = announcedIn(overTheWire({ answers: [...answers, elsewhere] }))
  expect(JSON.stringify(read)).not.toContain('192.0.2.99')
})

test('of a packet that announces thousands, 64 are looked at', () => {
  const many = Array.from({ length: 1000 }, () => ({ label: devices[0]?.label ?? '', port: 1 }))
  expect(announcedIn(overTheWire(announcementPacket(many))).length).toBe(64)
})

test('other services, labels and ports are left alone', () => {
  const label = devices[0]?.label ?? ''
  const srv = (name: string, port: number): object => ({
    name,
    type: 'SRV',
    ttl: 120,
    data: { port, target: 'x.local', priority: 0, weight: 0 }
  })
  const answers = [
    srv(`${label}._http._tcp.local`, 1),
    srv(`short.${SERVICE}`, 1),
    srv(`${label}.${SERVICE}`, 0)
  ]
  expect(announcedIn(overTheWire({ answers }))).toEqual([])
})

test('whatever DNS message comes in, reading it throws nothing', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 12, maxLength: 300 }), (bytes) => {
      let message: ReturnType<typeof packet.decode>
      try {
        message = packet.decode(Buffer.from(bytes))
      } catch {
        return
      }
      announcedIn(message as unknown as ResponsePacket)
      isQuestion(message as never)
    })
  )
})

test('a question is one about the service', () => {
  const ask = (name: string, type: string): boolean => isQuestion({ questions: [{ name, type }] } as never)
  expect([ask(SERVICE, 'PTR'), ask(SERVICE.toUpperCase(), 'ANY')]).toEqual([true, true])
  expect([ask(SERVICE, 'TXT'), ask('_http._tcp.local', 'PTR')]).toEqual([false, false])
})
