import { WireReader, WireWriter } from '../log/wire.ts'
import { EMPTY_REGISTER, type Element, type Register, type Tombstone } from '../merge/register.ts'
import type { Dot, Value } from '../merge/transaction.ts'
import b4a from 'b4a'

/** What the view holds of one key at one version. */
export interface Stored {
  /** The version that wrote it: `seq` of the entry. */
  version: number
  /** `null` when the entry is absent there. */
  shown: Value | null
  register: Register
}

const PRESENT = 1
const DOCUMENT = 2
const WHOLE = 4

/** Encodes a record, as FORMAT.md says; the shown value stands first. */
export function encodeRecord({ version, shown, register }: Stored): Uint8Array {
  const writer = new WireWriter()
  const { whole } = register
  writer.uint(version)
  writer.byte(
    (shown === null ? 0 : PRESENT) | (shown?.document ? DOCUMENT : 0) | (whole === null ? 0 : WHOLE)
  )
  if (shown !== null) writer.sized(shown.bytes)
  if (whole !== null) writeDot(writer, whole)
  else writeRegister(writer, register)
  return writer.finish()
}

/** The version of a record, and nothing else. */
export function recordVersion(record: Uint8Array): number {
  return new WireReader(record).uint()
}

/** The shown value and its version, without what stands behind it. A view into the record. */
export function recordShown(record: Uint8Array): { version: number; shown: Value | null } {
  const reader = new WireReader(record)
  const version = reader.uint()
  return { version, shown: readShown(reader, reader.byte()) }
}

export function decodeRecord(record: Uint8Array): Stored {
  const reader = new WireReader(record)
  const version = reader.uint()
  const flags = reader.byte()
  const shown = readShown(reader, flags)
  if ((flags & WHOLE) === 0 || shown === null) return { version, shown, register: readRegister(reader) }
  return { version, shown, register: { ...EMPTY_REGISTER, whole: { ...readDot(reader), value: shown } } }
}

function readShown(reader: WireReader, flags: number): Value | null {
  if ((flags & PRESENT) === 0) return null
  return { document: (flags & DOCUMENT) !== 0, bytes: reader.bytes(reader.uint()) }
}

function writeDot(writer: WireWriter, dot: Dot): void {
  writer.uint(dot.writer)
  writer.uint(dot.seq)
  writer.uint(dot.index)
  writer.uint48(dot.ms)
  writer.uint16(dot.counter)
}

function readDot(reader: WireReader): Dot {
  return {
    writer: reader.uint(),
    seq: reader.uint(),
    index: reader.uint(),
    ms: reader.uint48(),
    counter: reader.uint16()
  }
}

function writeRegister(writer: WireWriter, { elements, tombstones }: Register): void {
  writer.uint(elements.length)
  for (const element of elements) {
    writeDot(writer, element)
    writer.sized(b4a.from(element.path))
    writer.byte(element.value === null ? 0 : element.value.document ? PRESENT | DOCUMENT : PRESENT)
    if (element.value !== null) writer.sized(element.value.bytes)
  }
  const places = new Map(tombstones.length === 0 ? [] : elements.map((element, i) => [element, i]))
  writer.uint(tombstones.length)
  for (const tombstone of tombstones) {
    writeDot(writer, tombstone)
    writer.sized(b4a.from(tombstone.path))
    writer.uint(tombstone.over.length)
    for (const element of tombstone.over) writer.uint(places.get(element) ?? 0)
  }
}

function readRegister(reader: WireReader): Register {
  const elements: Element[] = []
  for (let left = reader.uint(); left > 0; left--) {
    const dot = readDot(reader)
    const path = b4a.toString(reader.bytes(reader.uint()))
    elements.push({ ...dot, path, value: readShown(reader, reader.byte()) })
  }
  const tombstones: Tombstone[] = []
  for (let left = reader.uint(); left > 0; left--) {
    const dot = readDot(reader)
    const path = b4a.toString(reader.bytes(reader.uint()))
    const over: Element[] = []
    for (let rivals = reader.uint(); rivals > 0; rivals--) {
      const element = elements[reader.uint()]
      if (element !== undefined) over.push(element)
    }
    tombstones.push({ ...dot, path, over })
  }
  return { whole: null, elements, tombstones }
}
