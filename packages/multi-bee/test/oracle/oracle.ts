/**
 * MERGE.md, sentence by sentence: slow, without any state kept between calls, and meant to be read beside it.
 *
 * Where the page leaves a choice the comment says READING.
 */

import { isDeepStrictEqual } from 'node:util'
import {
  canonicalJson,
  compareNames,
  comparePaths,
  isAtOrBelow,
  isMap,
  mapText,
  samePath
} from './canonical-json.ts'
import type {
  Conflict,
  Dot,
  Element,
  HistoryItem,
  Member,
  Membership,
  Operation,
  OracleState,
  Transaction,
  Value,
  World
} from './types.ts'

type Vector = Record<string, number>

/** A transaction with its author, the context it really has, and the time that counts. */
interface Step {
  writer: string
  seq: number
  length: number
  ms: number
  counter: number
  context: Vector
  transaction: Transaction
}

/** A member during the walk; the cut-off is infinite until a walked `remove` or a known `fork` lowers it. */
interface Walker {
  writer: string
  name: string
  cutOff: number
  /** Whether a walked `remove` names it. */
  removed: boolean
  /** The member it succeeds. */
  previous: Walker | null
}

/** A walked transaction, by its author and seq, with an `add` or `admit` of a writer. */
interface Admission {
  writer: string
  by: string
  seq: number
}

/** Where the walk stands. */
interface Walk {
  members: Walker[]
  walked: Step[]
  admissions: Admission[]
  /** The cut-offs of the forks that are known. */
  forks: Vector
  /** The cut-offs of removals of strangers, for when they join. */
  removals: Vector
}

/** An operation that counts. */
interface Counted {
  dot: Dot
  operation: Operation
  seen: Vector
}

/** An element and the operation that made it. */
interface Made extends Element {
  by: Counted
}

/** What a path shows: the value, the dot it counts as, and, for a map, its fields. */
interface Shown {
  value: Value
  dot: Dot
  fields: Array<[name: string, shown: Shown]> | null
}

/** Dots compare by (ms, counter, writer key bytes, seq, index), the whole key, never truncated. */
export function compareDots(a: Dot, b: Dot): number {
  if (a.ms !== b.ms) return a.ms - b.ms
  if (a.counter !== b.counter) return a.counter - b.counter
  if (a.writer !== b.writer) return a.writer < b.writer ? -1 : 1
  if (a.seq !== b.seq) return a.seq - b.seq
  return a.index - b.index
}

/** The state is a pure function of the blocks a device holds. */
export function oracle(world: World): OracleState {
  const steps = Object.keys(world.logs).flatMap((writer) => readLog(writer, world.logs[writer] ?? []))
  const { deleteWins, ownerKey } = genesisOf(world)
  const end = walk(world.first, ownerKey, steps)
  const applied = apply(end, steps)
  const counted = countedOperations(steps, applied, end)
  const keys = [...new Set(counted.map(({ operation }) => operation.key))].sort()
  const elementsOf = (key: string): Made[] =>
    remain(
      counted.filter(({ operation }) => operation.key === key),
      deleteWins
    )

  const entries = new Map<string, Value>()
  for (const key of keys) {
    // An entry with nothing at [] is absent.
    const shown = shownAt([], elementsOf(key))
    if (shown !== null) entries.set(key, shown.value)
  }
  return {
    ...(end.forks[world.first] === 0 ? NO_GENESIS : { deleteWins, ownerKey }),
    members: end.members.map(({ writer, name, cutOff, removed, previous }): Member => ({
      writer,
      name,
      cutOff: cutOff === Infinity ? null : cutOff,
      removed,
      previous: previous?.writer ?? null
    })),
    forks: end.forks,
    walked: Object.fromEntries(end.walked.map(({ writer, seq, length }) => [writer, seq + length])),
    known: (author, context) => known(author, context, end),
    toSay: (author) => forksToSay(author, end, steps),
    applied: blocksOf(steps, (step) => step.seq < reached(applied, step.writer)),
    // The rest waits (below the cut-off) or is quarantined (past it).
    // READING: by the seq of the transaction, as for what belongs to the set; of a writer that never was a
    // member everything waits.
    waiting: blocksOf(steps, (step) => step.seq >= reached(applied, step.writer) && !isPastCutOff(step, end)),
    quarantined: blocksOf(
      steps,
      (step) => step.seq >= reached(applied, step.writer) && isPastCutOff(step, end)
    ),
    entries,
    conflicts: (key) => conflictsOf(elementsOf(key)),
    history: counted.map(historyItem),
    remaining: (key) => elementsOf(key).map(({ kind, path, value, dot }) => ({ kind, path, value, dot })),
    hasMarker: (key, path) =>
      elementsOf(key).some((element) => element.kind === 'marker' && samePath(element.path, path))
  }
}

// Words

function readLog(writer: string, log: Transaction[]): Step[] {
  const steps: Step[] = []
  for (const transaction of log) {
    const before = steps.at(-1)
    const { seq, length, membership } = transaction
    // The next transaction of that writer starts at seq + length.
    if (seq !== (before === undefined ? 0 : before.seq + before.length))
      throw new Error(`a gap in the log of ${writer} at ${seq}`)
    // succeed is the first record of the first transaction of a log and nowhere else.
    if (membership.some(({ type }, place) => type === 'succeed' && (seq > 0 || place > 0)))
      throw new Error(`a succeed inside the log of ${writer} at ${seq}`)
    // For the author itself it is always the transaction's own seq.
    const context = { ...transaction.context, [writer]: seq }
    // Contexts of one log never shrink: each is at least the previous one.
    for (const [other, blocks] of Object.entries(before?.context ?? {})) {
      if (reached(context, other) < blocks)
        throw new Error(`a context in the log of ${writer} shrinks at ${seq}`)
    }
    // Inside one log time never goes back: the time that counts is the greatest of its own and those before
    // it.
    let { ms, counter } = transaction
    if (before !== undefined && (before.ms > ms || (before.ms === ms && before.counter > counter))) {
      ms = before.ms
      counter = before.counter
    }
    steps.push({ writer, seq, length, ms, counter, context, transaction })
  }
  return steps
}

/** Absent = 0. */
function reached(vector: Vector, writer: string): number {
  return vector[writer] ?? 0
}

/**
 * Seen of an operation: the transaction's context, lowered for some writers. READING: never raised, whatever
 * it says.
 */
function seenBy(operation: Operation, context: Vector): Vector {
  if (operation.seen === undefined) return context
  const lowered = Object.entries(operation.seen)
  return Object.fromEntries(
    lowered.map(([writer, blocks]) => [writer, Math.min(blocks, reached(context, writer))])
  )
}

/** A dot (w, s, i) is in seen when s < seen[w]. */
function isIn(dot: Dot, seen: Vector): boolean {
  return dot.seq < reached(seen, dot.writer)
}

// Which transactions count

const NO_GENESIS = { deleteWins: false, ownerKey: null }

/**
 * The first transaction of the first log is the genesis.
 * READING: of several genesis records in it the first counts; without one, nothing is set; one elsewhere does
 * nothing. It says nothing when a fork cuts the first log at 0, for there copies differ in it, and nothing is walked.
 */
function genesisOf(world: World): { deleteWins: boolean; ownerKey: string | null } {
  const records = world.logs[world.first]?.[0]?.membership ?? []
  const genesis = records.find((record) => record.type === 'genesis')
  return { deleteWins: genesis?.deleteWins ?? false, ownerKey: genesis?.ownerKey ?? null }
}

/**
 * A context knows its author and the first writer; and it knows a writer if it covers a walked transaction, by
 * a writer it knows, with an add or admit record for that writer.
 */
function known(author: string, context: Vector, { members, admissions }: Walk): string[] {
  const writers = [author, ...members.slice(0, 1).map(({ writer }) => writer)]
  while (true) {
    const next = admissions.find(
      ({ writer, by, seq }) => !writers.includes(writer) && writers.includes(by) && seq < reached(context, by)
    )
    if (next === undefined) return writers
    writers.push(next.writer)
  }
}

/** An entry for a writer that the context does not know is read as 0 wherever contexts are compared. */
function admitted(vector: Vector, step: Step, walk: Walk): Vector {
  const writers = known(step.writer, step.context, walk)
  return Object.fromEntries(Object.entries(vector).filter(([writer]) => writers.includes(writer)))
}

/** A removed writer stays in the list with its cut-off; 0 for one that is no member. */
function cutOffOf(writer: string, { members }: Walk): number {
  return memberOf(writer, members)?.cutOff ?? 0
}

function isPastCutOff(step: Step, { members }: Walk): boolean {
  return members.some(({ writer, cutOff }) => writer === step.writer && step.seq >= cutOff)
}

/**
 * Ready: it is the author's next one, its seq is below the author's cut-off, and for every other writer v,
 * min(context[v], cut-off of v, or 0 when v is not a member) blocks of v were applied.
 */
function isReady(step: Step, end: Walk, applied: Vector): boolean {
  const context = admitted(step.context, step, end)
  const others = Object.keys(context).filter((writer) => writer !== step.writer)
  return (
    step.seq === reached(applied, step.writer) &&
    step.seq < cutOffOf(step.writer, end) &&
    others.every((v) => reached(applied, v) >= Math.min(reached(context, v), cutOffOf(v, end)))
  )
}

/**
 * The walk goes over the transactions with membership operations and no others: where it stands at its end. It is done
 * with the forks that are known, at first none; if one that becomes known cuts lower, it begins anew.
 */
function walk(first: string, ownerKey: string | null, steps: Step[]): Walk {
  const forks: Vector = {}
  while (true) {
    const end = walkOnce(first, ownerKey, steps, { ...forks })
    for (const record of forksHeard(end, steps)) lower(forks, record)
    // What is known stays known.
    if (isDeepStrictEqual(forks, end.forks)) return end
  }
}

type Fork = Membership & { type: 'fork' }

/**
 * More become known: every fork in the transactions that were walked, and every other fork in held blocks, except one
 * that names a writer that is removed now, in a log of the same line as that writer or of one who is no member now.
 * READING: the world is what is held.
 */
function forksHeard(end: Walk, steps: Step[]): Fork[] {
  const others = steps
    .filter((step) => !end.walked.includes(step))
    .flatMap((step) => {
      const line = lineByLogs(step.writer, steps)
      const isMember = memberOf(step.writer, end.members) !== null
      return forksIn(step).filter(
        ({ writer }) => !isRemoved(writer, end) || (isMember && !line.includes(writer))
      )
    })
  return [...end.walked.flatMap(forksIn), ...others]
}

/** READING: a walked remove names it, whether it is a member or not. */
function isRemoved(removed: string, { walked }: Walk): boolean {
  const records = walked.flatMap(({ transaction }) => transaction.membership)
  return records.some((record) => record.type === 'remove' && record.writer === removed)
}

function forksIn({ transaction }: Step): Fork[] {
  return transaction.membership.filter((record) => record.type === 'fork')
}

/**
 * A line, here, is by what logs say, whether it counts or not: each log that begins with a succeed is of one line with
 * the log that it names. READING: so are all that are joined in this way, also by way of a log that is not held.
 */
function lineByLogs(writer: string, steps: Step[]): string[] {
  const line = [writer]
  const pairs = steps.flatMap((step) => {
    const [record] = step.transaction.membership
    return record?.type === 'succeed' ? [[step.writer, record.previous] as const] : []
  })
  while (true) {
    const pair = pairs.find(([one, other]) => line.includes(one) !== line.includes(other))
    if (pair === undefined) return line
    line.push(...pair.filter((one) => !line.includes(one)))
  }
}

/**
 * A device that may write says every known fork of a log that it follows in its own log, unless that has a fork that
 * cuts as low. READING: it may write as a member without a cut-off.
 */
function forksToSay(author: string, end: Walk, steps: Step[]): Fork[] {
  if (cutOffOf(author, end) !== Infinity) return []
  const said = steps.filter((step) => step.writer === author).flatMap(forksIn)
  return Object.entries(end.forks)
    .map(([writer, length]): Fork => ({ type: 'fork', writer, length }))
    .filter(({ writer }) => follows(writer, end, steps))
    .filter((fork) => !said.some(({ writer, length }) => writer === fork.writer && length <= fork.length))
}

/**
 * It follows the first log, every log that an add or admit in a held block names, and logs that begin with a succeed,
 * and no others. READING: the world is what is held.
 */
function follows(writer: string, { members }: Walk, steps: Step[]): boolean {
  const names = (record: Membership): boolean =>
    (record.type === 'add' || record.type === 'admit') && record.writer === writer
  return (
    members[0]?.writer === writer ||
    steps.some(
      (step) =>
        step.transaction.membership.some(names) ||
        (step.writer === writer && step.transaction.membership[0]?.type === 'succeed')
    )
  )
}

/** To the given length if that is lower. */
function lower(cutOffs: Vector, { writer, length }: { writer: string; length: number }): void {
  cutOffs[writer] = Math.min(length, cutOffs[writer] ?? Infinity)
}

/** One walk, done with the forks that are known. */
function walkOnce(first: string, ownerKey: string | null, steps: Step[], forks: Vector): Walk {
  const walk: Walk = { members: [], walked: [], admissions: [], forks, removals: {} }
  // It starts with the first log's writer as the only member.
  walk.members.push(joining(first, '', walk))
  // READING: a genesis record is a membership operation wherever it stands.
  const controls = steps.filter((step) => step.transaction.membership.length > 0)
  while (true) {
    const left = controls.filter((step) => !walk.walked.includes(step))
    const ready = left.filter((step) => isReadyToWalk(step, walk, steps, left))
    // Walk, of the ready transactions, the one whose author ranks best. Until nothing is ready.
    const step = ready.sort((a, b) =>
      compareRanks(rankOf(a, walk.members, ownerKey), rankOf(b, walk.members, ownerKey))
    )[0]
    if (step === undefined) return walk
    // What was walked stays walked.
    walk.walked.push(step)
    for (const record of step.transaction.membership) changeMembers(record, step, walk, first)
  }
}

/** A known fork or a walked removal lowers the cut-off also of a writer that joins only later. */
function joining(writer: string, name: string, walk: Walk): Walker {
  return {
    writer,
    name,
    cutOff: cutOffBefore(writer, walk),
    removed: writer in walk.removals,
    previous: null
  }
}

function cutOffBefore(writer: string, { forks, removals }: Walk): number {
  return Math.min(forks[writer] ?? Infinity, removals[writer] ?? Infinity)
}

function memberOf(writer: string, members: Walker[]): Walker | null {
  return members.find((member) => member.writer === writer) ?? null
}

/** The member that the log of this transaction goes on from, when the transaction starts with a `succeed` of one. */
function succeededBy(step: Step, members: Walker[]): Walker | null {
  const [record] = step.transaction.membership
  return record?.type === 'succeed' ? memberOf(record.previous, members) : null
}

/**
 * Ready: it is its author's next one with membership operations; its author may write it; and for every other
 * writer v that its context knows, n blocks of v's log are held, and all transactions with membership operations
 * below n were walked.
 */
function isReadyToWalk(step: Step, walk: Walk, steps: Step[], left: Step[]): boolean {
  const context = admitted(step.context, step, walk)
  const others = Object.keys(context).filter((writer) => writer !== step.writer)
  const isNext = !left.some((other) => other.writer === step.writer && other.seq < step.seq)
  const isSettled = (v: string): boolean => {
    const n = Math.min(reached(context, v), cutOffOf(v, walk))
    const held = reached(
      blocksOf(steps, ({ writer }) => writer === v),
      v
    )
    return held >= n && !left.some((other) => other.writer === v && other.seq < n)
  }
  return isNext && mayWrite(step, walk) && others.every(isSettled)
}

/**
 * Its seq is below the author's cut-off, or, when the author is no member yet, it starts with a `succeed` of a
 * member that no walked `remove` names, no walked `remove` and no known `fork` cuts its log at 0, and the first
 * transaction of the first log was walked.
 */
function mayWrite(step: Step, walk: Walk): boolean {
  const { members, walked } = walk
  const author = memberOf(step.writer, members)
  if (author !== null) return step.seq < author.cutOff
  const previous = succeededBy(step, members)
  const hasBegun = walked.some(({ writer, seq }) => writer === members[0]?.writer && seq === 0)
  return previous !== null && !previous.removed && hasBegun && step.seq < cutOffBefore(step.writer, walk)
}

/** Numbers and, last, the author's key: the least ranks best. */
type Rank = [line: number, place: number, author: string]

/**
 * The line that holds the owner key goes first, then the lines in the order in which those that succeed nobody
 * joined; inside a line, members in the order of joining. A transaction whose author is no member yet ranks last in
 * the line of the writer it succeeds; of several such, the one with the least author key goes first.
 */
function rankOf(step: Step, members: Walker[], ownerKey: string | null): Rank {
  const author = memberOf(step.writer, members)
  const member = author ?? succeededBy(step, members)
  if (member === null) throw new Error('a stranger has no rank')
  const root = rootOf(member)
  const holdsOwner = members.some((other) => other.writer === ownerKey && rootOf(other) === root)
  return [
    holdsOwner ? -1 : members.indexOf(root),
    author === null ? Infinity : members.indexOf(author),
    step.writer
  ]
}

function compareRanks([lineA, placeA, authorA]: Rank, [lineB, placeB, authorB]: Rank): number {
  if (lineA !== lineB) return lineA - lineB
  if (placeA !== placeB) return placeA < placeB ? -1 : 1
  return authorA < authorB ? -1 : 1
}

/** A member's line goes back over the writers it succeeds to one that succeeds nobody. Itself is first. */
function lineBackFrom(member: Walker): Walker[] {
  return member.previous === null ? [member] : [member, ...lineBackFrom(member.previous)]
}

function rootOf(member: Walker): Walker {
  return lineBackFrom(member).at(-1) as Walker
}

const MAX_MEMBERS = 512

function changeMembers(record: Membership, step: Step, walk: Walk, first: string): void {
  if (record.type === 'genesis') nameCreator(record, step, walk, first)
  else if (record.type === 'add') add(record, step, walk)
  else if (record.type === 'admit') admit(record.writer, step, walk)
  else if (record.type === 'succeed') succeed(step, walk)
  else if (record.type === 'remove') remove(record, walk)
  // A fork does nothing in the walk that comes to it.
}

/** The creator's name. */
function nameCreator(
  record: Membership & { type: 'genesis' },
  step: Step,
  { members: [creator] }: Walk,
  first: string
): void {
  const isFirst = step.writer === first && step.seq === 0
  const counts = step.transaction.membership.find((other) => other.type === 'genesis') === record
  if (isFirst && counts && creator !== undefined) creator.name = record.name
}

/**
 * add of a writer that was never a member makes it the newest member; of one that is or was one it only admits it
 * once more; beyond 512 members, removed ones included, it does nothing. READING: then it does not admit either.
 */
function add(record: Membership & { type: 'add' }, step: Step, walk: Walk): void {
  const { members } = walk
  if (memberOf(record.writer, members) === null) {
    if (members.length >= MAX_MEMBERS) return
    members.push(joining(record.writer, record.name, walk))
  }
  admit(record.writer, step, walk)
}

/** admit makes nobody a member. It admits a writer, whether that one has joined already, joins later, or never. */
function admit(writer: string, step: Step, { admissions }: Walk): void {
  admissions.push({ writer, by: step.writer, seq: step.seq })
}

/** remove lowers the cut-off to the given length if that is lower, also of one that joins only later. */
function remove(record: Membership & { type: 'remove' }, { members, removals }: Walk): void {
  const { writer, length } = record
  const member = memberOf(writer, members)
  if (member === null) return lower(removals, record)
  member.cutOff = Math.min(member.cutOff, length)
  member.removed = true
}

/**
 * succeed makes its author the newest member, under the name of the one it succeeds, unless it is one or there are
 * 512; and it puts it into that one's line, unless a walked remove names that one, or its line goes back to the
 * author.
 * READING: of a stranger it does nothing, for a stranger has no line; and beyond 512 the other records of the
 * transaction count all the same, for it is walked.
 */
function succeed(step: Step, walk: Walk): void {
  const { members } = walk
  const previous = succeededBy(step, members)
  if (previous === null) return
  let author = memberOf(step.writer, members)
  if (author === null) {
    if (members.length >= MAX_MEMBERS) return
    author = joining(step.writer, previous.name, walk)
    members.push(author)
  }
  if (!previous.removed && !lineBackFrom(previous).includes(author)) author.previous = previous
}

/**
 * The least set such that a member's next transaction belongs to it when its seq is below its author's
 * cut-off and for every other writer v, min(context[v], cut-off of v, or 0) blocks of v belong to it; as
 * blocks per writer.
 */
function apply(end: Walk, steps: Step[]): Vector {
  const applied: Vector = {}
  while (true) {
    const step = steps.find((candidate) => isReady(candidate, end, applied))
    if (step === undefined) return applied
    // A transaction of a chain that straddles a cut-off belongs to it when its seq is below.
    applied[step.writer] = step.seq + step.length
  }
}

function blocksOf(steps: Step[], which: (step: Step) => boolean): Vector {
  const blocks: Vector = {}
  for (const { writer, length } of steps.filter(which)) blocks[writer] = reached(blocks, writer) + length
  return blocks
}

// What remains

/** Only operations of applied transactions count anywhere. In canonical order. */
function countedOperations(steps: Step[], applied: Vector, end: Walk): Counted[] {
  const counted = steps
    .filter((step) => step.seq < reached(applied, step.writer))
    .flatMap((step) =>
      step.transaction.operations.map((operation, index): Counted => {
        const { writer, seq, ms, counter, context } = step
        const seen = admitted(seenBy(operation, context), step, end)
        return { dot: { ms, counter, writer, seq, index }, operation, seen }
      })
    )
  return counted.sort((a, b) => compareDots(a.dot, b.dot))
}

function historyItem({ dot, operation }: Counted): HistoryItem {
  const { writer, seq, index, ms, counter } = dot
  return { writer, seq, index, key: operation.key, type: operation.type, path: operation.path, ms, counter }
}

/** Per key, an element is a leaf, a presence marker or a tombstone, each with a path and a dot. */
function elementsMadeBy(by: Counted): Made[] {
  const { operation, dot } = by
  // An unset adds a tombstone at its path.
  if (operation.type === 'unset') return [{ kind: 'tombstone', path: operation.path, value: null, dot, by }]
  // Opaque values live at path [] only.
  if (operation.value.kind === 'opaque') {
    if (operation.path.length > 0) throw new Error('an opaque value below []')
    return [{ kind: 'leaf', path: [], value: operation.value, dot, by }]
  }
  return elementsOfJson(operation.path, JSON.parse(operation.value.text), by)
}

/**
 * A map is a presence marker at its path and, recursively, at each map inside, and a leaf at each leaf path.
 */
function elementsOfJson(path: string[], json: unknown, by: Counted): Made[] {
  if (!isMap(json)) {
    return [{ kind: 'leaf', path, value: { kind: 'document', text: canonicalJson(json) }, dot: by.dot, by }]
  }
  const names = Object.keys(json).sort(compareNames)
  return [
    { kind: 'marker', path, value: null, dot: by.dot, by },
    ...names.flatMap((name) => elementsOfJson([...path, name], json[name], by))
  ]
}

/** What remains of one key. Removal does not depend on whether the remover's own elements remain. */
function remain(counted: Counted[], deleteWins: boolean): Made[] {
  const made = counted.flatMap(elementsMadeBy)
  return made.filter((element) => !counted.some((by) => removes(by, element, deleteWins)))
}

function removes(by: Counted, element: Made, deleteWins: boolean): boolean {
  // An operation never removes what it made itself.
  if (by === element.by) return false
  const atOrBelow = isAtOrBelow(element.path, by.operation.path)
  const strictlyAbove = !atOrBelow && isAtOrBelow(by.operation.path, element.path)
  const wasSeen = isIn(element.dot, by.seen)
  // 1. O at p removes every leaf and marker at p or below whose dot is in seen(O) ...
  // 2. O at p removes tombstones at p or below whose dot is in seen(O).
  if (atOrBelow && wasSeen) return true
  // 1. ... and every leaf strictly above p whose dot is in seen(O).
  if (strictlyAbove && wasSeen && element.kind === 'leaf') return true
  // 3. With deleteWins, an unset D at p also removes every leaf and marker at p or below whose operation has
  // not seen D.
  return (
    deleteWins &&
    by.operation.type === 'unset' &&
    element.kind !== 'tombstone' &&
    atOrBelow &&
    !isIn(by.dot, element.by.seen)
  )
}

// What is shown

const greatestFirst = (a: { dot: Dot }, b: { dot: Dot }): number => compareDots(b.dot, a.dot)

/** A leaf counts as its dot. The greatest is first. */
function leavesAt(path: string[], elements: Made[]): Shown[] {
  return elements
    .filter((element) => element.kind === 'leaf' && samePath(element.path, path))
    .map(({ value, dot }) => ({ value: value as Value, dot, fields: null }))
    .sort(greatestFirst)
}

/**
 * The map exists when a marker remains at the path or anything is shown below it. It counts as the greatest
 * dot of all leaves and markers at its path (markers) and strictly below.
 */
function mapAt(path: string[], elements: Made[]): Shown | null {
  const markers = elements.filter((element) => element.kind === 'marker' && samePath(element.path, path))
  const below = elements.filter(
    (element) =>
      element.kind !== 'tombstone' && isAtOrBelow(element.path, path) && element.path.length > path.length
  )
  // A map shows its fields, each decided the same way, in canonical order of names; {} when only its marker
  // remains.
  const names = [...new Set(below.map((element) => element.path[path.length] as string))].sort(compareNames)
  const fields: Array<[string, Shown]> = []
  for (const name of names) {
    const shown = shownAt([...path, name], elements)
    if (shown !== null) fields.push([name, shown])
  }
  const greatest = [...markers, ...below].sort(greatestFirst)[0]
  if (greatest === undefined) return null
  const text = mapText(fields.map(([name, shown]) => [name, textOf(shown.value)]))
  return { value: { kind: 'document', text }, dot: greatest.dot, fields }
}

function textOf(value: Value): string {
  if (value.kind === 'opaque') throw new Error('an opaque value below []')
  return value.text
}

/** At a path: the greatest remaining leaf, and the map. The greater of the two is shown. */
function shownAt(path: string[], elements: Made[]): Shown | null {
  const candidates = [...leavesAt(path, elements).slice(0, 1), mapAt(path, elements)].filter(
    (shown) => shown !== null
  )
  return candidates.sort(greatestFirst)[0] ?? null
}

// Conflicts

/** Two values are equal when their kind and their canonical bytes are. */
function sameValue(a: Value, b: Value): boolean {
  return a.kind === 'document'
    ? b.kind === 'document' && a.text === b.text
    : b.kind === 'opaque' && a.hex === b.hex
}

/** Lists, for each shown path (and for [] of an absent entry nothing), what lost there. */
function conflictsOf(elements: Made[]): Conflict[] {
  const root = shownAt([], elements)
  const found = root === null ? [] : conflictsAt([], root, elements)
  // Order: by path (shorter prefix first, then quoted names), then greatest dot first.
  found.sort((a, b) => comparePaths(a.conflict.path, b.conflict.path) || greatestFirst(a, b))
  return found.map(({ conflict }) => conflict)
}

function conflictsAt(
  path: string[],
  shown: Shown,
  elements: Made[]
): Array<{ dot: Dot; conflict: Conflict }> {
  // The other remaining leaves at the path, and the map if a leaf won (as the value it would show, with its
  // greatest dot's device and time).
  const leaves = leavesAt(path, elements)
  const map = mapAt(path, elements)
  const losers = [...leaves, ...(map === null ? [] : [map])]
    .filter(
      ({ dot, fields }) => compareDots(dot, shown.dot) !== 0 || (fields === null) !== (shown.fields === null)
    )
    .sort(greatestFirst)
  // An alternative equal to what is shown there is none; of equal alternatives the greatest counts.
  const alternatives: Shown[] = []
  for (const loser of losers) {
    if (![shown, ...alternatives].some(({ value }) => sameValue(value, loser.value))) alternatives.push(loser)
  }
  const found = alternatives.map(({ value, dot }) => ({ dot, conflict: conflictOf(path, value, dot) }))

  // A deletion, once per path: the greatest remaining tombstone D at the path for which some remaining leaf
  // or marker at the path or below has not seen D.
  const alive = elements.filter((element) => element.kind !== 'tombstone' && isAtOrBelow(element.path, path))
  const deletion = elements
    .filter((element) => element.kind === 'tombstone' && samePath(element.path, path))
    .filter((tombstone) => alive.some((element) => !isIn(tombstone.dot, element.by.seen)))
    .sort(greatestFirst)[0]
  if (deletion !== undefined)
    found.push({ dot: deletion.dot, conflict: conflictOf(path, null, deletion.dot) })

  // Paths inside a map that itself lost are not walked.
  for (const [name, field] of shown.fields ?? []) found.push(...conflictsAt([...path, name], field, elements))
  return found
}

function conflictOf(path: string[], value: Value | null, { writer, ms, counter }: Dot): Conflict {
  return { path, value, deleted: value === null, writer, ms, counter }
}
