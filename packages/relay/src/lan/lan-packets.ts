import type { QueryOutgoingPacket, QueryPacket, ResponseOutgoingPacket, ResponsePacket } from 'multicast-dns'
import { LABEL_LENGTH } from './lan-tag.ts'

/** The DNS-SD name of the service (RFC 6763 section 7). */
export const SERVICE = '_cloudpal-relay._tcp.local'
/** How long a record may be remembered, in seconds: RFC 6762 section 10 has 120 for what names a host. */
const TTL_SECONDS = 120
/** Labels of one packet that are looked at. */
const MAX_LABELS = 64

/** What a question about it may ask for. */
const ASKED: ReadonlySet<string> = new Set(['ANY', 'PTR'])

/** What a device says: a label, and the TCP port where it awaits Noise. Its address is where the packet came from. */
export interface Announced {
  readonly label: string
  readonly port: number
}

export function questionPacket(): QueryOutgoingPacket {
  return { questions: [{ name: SERVICE, type: 'PTR' }] }
}

/** An announcement, or with `isGone` its end (RFC 6762 section 10.1). */
export function announcementPacket(announced: readonly Announced[], isGone = false): ResponseOutgoingPacket {
  const ttl = isGone ? 0 : TTL_SECONDS
  const answers = announced.flatMap(({ label, port }) => {
    const name = `${label}.${SERVICE}`
    return [
      { name: SERVICE, type: 'PTR' as const, ttl, data: name },
      { name, type: 'SRV' as const, ttl, data: { port, target: `${label}.local`, priority: 0, weight: 0 } }
    ]
  })
  return { answers }
}

export function isQuestion({ questions = [] }: QueryPacket): boolean {
  return questions.some(({ name, type }) => name.toLowerCase() === SERVICE && ASKED.has(type))
}

/** What a packet announces; nothing of what it says beyond, addresses above all. */
export function announcedIn({ answers = [], additionals = [] }: ResponsePacket): Announced[] {
  const found: Announced[] = []
  for (const record of [...answers, ...additionals]) {
    if (found.length >= MAX_LABELS) break
    if (record.type !== 'SRV' || record.ttl === 0) continue
    const name = record.name.toLowerCase()
    const { port } = record.data
    const isOurs = name.length === LABEL_LENGTH + 1 + SERVICE.length && name.endsWith(`.${SERVICE}`)
    if (isOurs && port > 0 && port < 65_536) found.push({ label: name.slice(0, LABEL_LENGTH), port })
  }
  return found
}
