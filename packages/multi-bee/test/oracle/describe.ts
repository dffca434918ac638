/** Prints a world so that a failing example can be read. */

import type { Membership, Operation, Value, World } from './types.ts'

/** A writer by its first and last byte. */
function shortName(writer: string): string {
  return writer.length > 4 ? writer.slice(0, 2) + '..' + writer.slice(-2) : writer
}

function vector(blocks: Record<string, number>): string {
  return (
    '{' +
    Object.entries(blocks)
      .map(([writer, n]) => `${shortName(writer)}:${n}`)
      .join(' ') +
    '}'
  )
}

function valueText(value: Value): string {
  return value.kind === 'opaque' ? `0x${value.hex}` : value.text
}

function operationText(operation: Operation): string {
  const { type, key, path, seen } = operation
  const value = operation.type === 'assign' ? ' ' + valueText(operation.value) : ''
  return `${type} ${key}${JSON.stringify(path)}${value}${seen === undefined ? '' : ' seen ' + vector(seen)}`
}

function membershipText(record: Membership): string {
  if (record.type === 'add') return `add ${shortName(record.writer)}`
  if (record.type === 'remove') return `remove ${shortName(record.writer)} at ${record.length}`
  if (record.type === 'fork') return `fork ${shortName(record.writer)} at ${record.length}`
  if (record.type === 'admit') return `admit ${shortName(record.writer)}`
  if (record.type === 'again') return `again ${shortName(record.writer)} from ${record.from}`
  if (record.type === 'succeed') return `succeed ${shortName(record.previous)}`
  const owner = record.ownerKey === null ? '' : ` owner ${shortName(record.ownerKey)}`
  return `genesis${record.deleteWins ? ' deleteWins' : ''}${owner}`
}

/** One line per transaction: `[seq+length] (ms, counter) {context} what`. */
export function describeWorld({ first, logs }: World): string {
  const lines = Object.entries(logs).flatMap(([writer, log]) => [
    `${shortName(writer)}${writer === first ? ' (first)' : ''}`,
    ...log.map(({ seq, length, ms, counter, context, membership, operations }) => {
      const what = [...membership.map(membershipText), ...operations.map(operationText)].join(', ')
      const blocks = length > 1 ? `${seq}+${length}` : seq
      return `  [${blocks}] (${ms}, ${counter}) ${vector(context)} ${what || 'nothing'}`
    })
  ])
  return lines.join('\n')
}
