// A second reader and state machine, made from FORMAT.md on other libraries. It keeps nothing but the accepted events, and works out whatever it needs by
// going through them again.
import { ed25519 } from '@noble/curves/ed25519.js'
import { blake2b } from '@noble/hashes/blake2.js'
import { sha512 } from '@noble/hashes/sha2.js'

interface Keys {
  threshold: number
  keys: string[]
}
interface Policy extends Keys {
  delay: number
}
interface End {
  core: string
  fork: number
  length: number
  treeHash: string
}
interface Signed {
  class: number
  index: number
  signature: Uint8Array
}
export interface Fact {
  kind: number
  hash: string
  identity: string
  seq: number
  previous: string
  time: number
  /** Place of the device that acts as admin. */
  admin: number | null
  control: Keys
  next: Keys
  policy: Policy | null
  key: string
  role: number
  expiry: number
  name: string
  terms: Uint8Array
  possession: Uint8Array
  reason: number
  ends: End[]
  revealed: Keys | null
  announcement: string
  writer: string | null
  rolls: { name: string; core: string; previous: End | null }[]
  signed: Signed[]
}

class Refused extends Error {}
function must(condition: boolean, why: string): asserts condition {
  if (!condition) throw new Refused(why)
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
const digest = (...parts: Uint8Array[]): Uint8Array => blake2b(Buffer.concat(parts), { dkLen: 32 })
const space = (i: number): Uint8Array =>
  digest(digest(Buffer.from('cloudpal/key-rotation/1')), Uint8Array.of(i))
const good = (i: number, message: Uint8Array, signature: Uint8Array, key: string): boolean => {
  try {
    return isSigned(signature, Buffer.concat([space(i), message]), Buffer.from(key, 'hex'))
  } catch {
    return false
  }
}

/** RFC 8032 5.1.7 without the cofactor: R is S·B − h·A, byte by byte; neither R nor A is of a small order. */
function isSigned(signature: Uint8Array, message: Uint8Array, key: Uint8Array): boolean {
  const { Point } = ed25519
  const number = (bytes: Uint8Array): bigint =>
    bytes.reduceRight((sum, byte) => sum * 256n + BigInt(byte), 0n)
  const [r, s] = [signature.slice(0, 32), number(signature.slice(32))]
  const [A, R] = [Point.fromBytes(key), Point.fromBytes(r, true)]
  if (s >= Point.Fn.ORDER || A.isSmallOrder() || R.isSmallOrder()) return false
  const h = number(sha512(Buffer.concat([r, key, message]))) % Point.Fn.ORDER
  return hex(Point.BASE.multiplyUnsafe(s).add(A.negate().multiplyUnsafe(h)).toBytes()) === hex(r)
}

/** Reads from left to right; numbers must be the shortest. */
class Bytes {
  readonly all: Uint8Array
  at = 0
  constructor(all: Uint8Array) {
    this.all = all
  }
  take(n: number): Uint8Array {
    must(this.at + n <= this.all.length, 'cut off')
    this.at += n
    return this.all.slice(this.at - n, this.at)
  }
  u8(): number {
    return this.take(1)[0] as number
  }
  uint(): number {
    const lead = this.u8()
    if (lead < 0xfd) return lead
    const size = 2 ** (lead - 0xfc)
    const value = this.take(size).reduceRight((sum, byte) => sum * 256n + BigInt(byte), 0n)
    must(value < 2n ** 53n, 'too large')
    must(value >= (size === 2 ? 0xfdn : 256n ** BigInt(size / 2)), 'not the shortest')
    return Number(value)
  }
  hex(n = 32): string {
    return hex(this.take(n))
  }
  many<T>(most: number, item: () => T): T[] {
    const count = this.u8()
    must(count <= most, 'too many')
    return Array.from({ length: count }, item)
  }
  maybe<T>(item: () => T): T | null {
    const flag = this.u8()
    must(flag < 2, 'a flag')
    return flag === 1 ? item() : null
  }
  text(most: number): string {
    const bytes = this.take(this.u8())
    must(bytes.length <= most, 'too long')
    let text: string
    try {
      text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
    } catch {
      throw new Refused('no UTF-8')
    }
    must(!text.startsWith('\uFEFF'), 'a byte order mark')
    return text
  }
  keys(): Keys {
    return { threshold: this.u8(), keys: this.many(16, () => this.hex()) }
  }
  policy(): Policy {
    return { ...this.keys(), delay: this.uint() }
  }
  end(): End {
    return { core: this.hex(), fork: this.uint(), length: this.uint(), treeHash: this.hex() }
  }
}

function read(all: Uint8Array): Fact {
  must(all.length <= 8192, 'too large')
  const bytes = new Bytes(all)
  must(bytes.u8() === 1, 'version')
  const kind = bytes.u8()
  must(kind >= 1 && kind <= 8, 'kind')
  const none: Keys = { threshold: 0, keys: [] }
  const fact: Fact = {
    kind,
    hash: '',
    identity: kind === 1 ? '' : bytes.hex(),
    seq: kind === 1 ? 0 : bytes.uint(),
    previous: kind === 1 ? '' : bytes.hex(),
    time: bytes.uint(),
    admin: kind === 3 || kind === 4 || kind === 8 ? bytes.maybe(() => bytes.uint()) : null,
    control: none,
    next: none,
    policy: null,
    key: '',
    role: 0,
    expiry: 0,
    name: '',
    terms: new Uint8Array(0),
    possession: new Uint8Array(0),
    reason: 0,
    ends: [],
    revealed: null,
    announcement: '',
    writer: null,
    rolls: [],
    signed: []
  }
  if (kind === 1) bytes.take(16)
  if (kind === 1 || kind === 2 || kind === 5) {
    fact.control = bytes.keys()
    fact.next = bytes.keys()
    if (kind === 5) fact.revealed = bytes.maybe(() => bytes.keys())
    else fact.policy = bytes.maybe(() => bytes.policy())
  }
  if (kind === 3) {
    const from = bytes.at
    fact.key = bytes.hex()
    fact.role = bytes.u8()
    must(fact.role >= 1 && fact.role <= 3, 'role')
    fact.expiry = bytes.uint()
    fact.name = bytes.text(64)
    fact.terms = Buffer.concat([Buffer.from(fact.identity, 'hex'), all.slice(from, bytes.at)])
    fact.possession = bytes.take(64)
  }
  if (kind === 4) {
    fact.key = bytes.hex()
    fact.reason = bytes.u8()
    must(fact.reason >= 1 && fact.reason <= 3, 'reason')
    fact.ends = bytes.many(48, () => bytes.end())
  }
  if (kind === 6 || kind === 7) fact.announcement = bytes.hex()
  if (kind === 8) {
    fact.writer = bytes.maybe(() => bytes.hex())
    fact.rolls = bytes.many(8, () => ({
      name: bytes.text(64),
      core: bytes.hex(),
      previous: bytes.maybe(() => bytes.end())
    }))
  }
  fact.hash = hex(digest(space(0), all.slice(0, bytes.at)))
  fact.signed = bytes.many(64, () => ({ class: bytes.u8(), index: bytes.uint(), signature: bytes.take(64) }))
  must(bytes.at === all.length, 'something follows')
  return fact
}

// What the accepted events say.

const last = <T>(items: readonly T[]): T => items.at(-1) as T
const inForce = (facts: Fact[]): Fact[] =>
  facts.flatMap((fact) => {
    if (fact.kind === 1 || fact.kind === 2) return [fact]
    return fact.kind === 7 ? facts.filter(({ hash }) => hash === fact.announcement) : []
  })
const policyOf = (facts: Fact[]): Policy | null =>
  last(facts.flatMap(({ kind, policy }) => (kind <= 2 && policy !== null ? [policy] : []))) ?? null
const devicesOf = (facts: Fact[]): Fact[] => facts.filter(({ kind }) => kind === 3)
const revocationOf = (facts: Fact[], key: string): Fact | undefined =>
  facts.find((fact) => fact.kind === 4 && fact.key === key)
interface Named {
  name: string
  core: string
  previous: End | null
  writer: string | null
  admin: number | null
}
/** Of a Hypercore without blocks. */
const EMPTY = hex(digest(Uint8Array.of(2)))

/** Which cores each name has, where cores end, and what was ever named: gone through from the beginning. */
function coresOf(facts: Fact[]): {
  lines: Map<string, Named[]>
  ends: Map<string, End & { admin: number | null }>
  named: Named[]
} {
  const lines = new Map<string, Named[]>()
  const ends = new Map<string, End & { admin: number | null }>()
  const named: Named[] = []
  const gone = new Set<string>()
  const cut = (core: string): void => {
    for (const line of lines.values()) {
      const place = line.findIndex((one) => one.core === core)
      if (place === -1) continue
      for (const { core: after } of line.splice(place + 1)) {
        gone.add(after)
        ends.set(after, { core: after, fork: 0, length: 0, treeHash: EMPTY, admin: null })
      }
    }
  }
  const say = (end: End, admin: number | null): void => {
    const known = ends.get(end.core)
    if (gone.has(end.core) || (known && known.admin === null)) return
    if (known && admin !== null) return
    ends.set(end.core, { ...end, admin })
    if (known && plain(known) !== plain(end)) cut(end.core)
  }
  for (const { ends: said, rolls, writer, admin } of facts) {
    for (const end of said) say(end, admin)
    for (const roll of rolls) {
      const { name, previous } = roll
      if (previous !== null) {
        say(previous, admin)
        cut(previous.core)
      }
      const line = lines.get(name) ?? []
      lines.set(name, line)
      if (admin === null)
        for (const { core } of line) {
          const end = ends.get(core)
          if (end) end.admin = null
        }
      const link = { ...roll, writer, admin }
      line.push(link)
      named.push(link)
    }
  }
  return { lines, ends, named }
}
const waitingOf = (facts: Fact[]): Fact | null => {
  const recoveries = facts.filter(({ kind }) => kind >= 5 && kind <= 7)
  const final = recoveries.at(-1)
  if (final?.kind !== 5) return null
  const after = facts.slice(facts.indexOf(final))
  const isOver = final.revealed === null && after.some(({ kind, policy }) => kind === 2 && policy !== null)
  return isOver ? null : final
}
const dueOf = (facts: Fact[], waiting: Fact): number => {
  const before = facts.slice(0, facts.indexOf(waiting))
  return waiting.time + (waiting.revealed === null ? (policyOf(before)?.delay ?? 0) : 0)
}
const namedOf = (facts: Fact[]): string[] => [
  ...inForce(facts).flatMap(({ control }) => control.keys),
  ...facts.flatMap(({ kind, policy }) => (kind <= 2 ? (policy?.keys ?? []) : [])),
  ...devicesOf(facts).map(({ key }) => key)
]
const plain = ({ core, fork, length, treeHash }: End): string =>
  JSON.stringify({ core, fork, length, treeHash })
const hashed = (key: string): string => hex(digest(space(2), Buffer.from(key, 'hex')))

function fit({ threshold, keys }: Keys): void {
  must(threshold >= 1 && threshold <= keys.length, 'threshold')
  must(new Set(keys).size === keys.length, 'a key twice')
}
function committed(commitment: Keys, keys: Keys): void {
  const hashes = keys.keys.map(hashed)
  must(commitment.threshold === keys.threshold && commitment.keys.join() === hashes.join(), 'not committed')
}
function unnamed(facts: Fact[], keys: string[]): void {
  must(new Set(keys).size === keys.length, 'one twice')
  const named = namedOf(facts)
  must(!keys.some((key) => named.includes(key)), 'named before')
}

/** Devices and quorums take no keys that are to come. */
function unreserved(facts: Fact[], keys: string[]): void {
  const waiting = waitingOf(facts)
  const coming = [...last(inForce(facts)).next.keys, ...(waiting?.next.keys ?? [])]
  must(!keys.some((key) => coming.includes(hashed(key)) || waiting?.control.keys.includes(key)), 'to come')
}
/** Nobody can rotate to a key that was named. */
function fresh(facts: Fact[], commitment: Keys, own: string[]): void {
  must(
    ![...namedOf(facts), ...own].some((key) => commitment.keys.includes(hashed(key))),
    'a named key is next'
  )
}

/** How many of each class signed; all of them right. */
function count(fact: Fact, who: Record<number, (string | undefined)[]>): (signer: number) => number {
  const order = fact.signed.map((signed) => signed.class * 2 ** 40 + signed.index)
  must(
    order.every((place, i) => i === 0 || place > (order[i - 1] as number)),
    'order'
  )
  for (const signed of fact.signed) {
    const key = who[signed.class]?.[signed.index]
    must(key !== undefined, 'a signer')
    must(good(1, Buffer.from(fact.hash, 'hex'), signed.signature, key), 'a signature')
  }
  return (signer) => fact.signed.filter((signed) => signed.class === signer).length
}

/** The accepted events with one more. @throws Refused */
function accept(facts: Fact[], fact: Fact): void {
  const { kind } = fact
  must(fact.time <= 2 ** 48, 'time')
  if (facts.length === 0) {
    must(kind === 1, 'no inception')
    fit(fact.control)
    fit(fact.next)
    if (fact.policy !== null) checkPolicy(fact.policy)
    const keys = [...fact.control.keys, ...(fact.policy?.keys ?? [])]
    unnamed([], keys)
    fresh([], fact.next, keys)
    must(count(fact, { 1: fact.control.keys })(1) >= fact.control.threshold, 'too few')
    return
  }
  const [inception] = facts as [Fact]
  const before = last(facts)
  must(kind !== 1 && fact.identity === inception.hash, 'another identity')
  must(fact.seq === facts.length && fact.previous === before.hash && fact.time >= before.time, 'place')
  const { control, next } = last(inForce(facts))
  const policy = policyOf(facts)
  if (kind === 2) {
    fit(fact.control)
    fit(fact.next)
    committed(next, fact.control)
    if (fact.policy !== null) checkPolicy(fact.policy)
    const friends = (fact.policy?.keys ?? []).filter((key) => !policy?.keys.includes(key))
    unnamed(facts, [...fact.control.keys, ...friends])
    unreserved(facts, friends)
    fresh(facts, fact.next, [...fact.control.keys, ...friends])
    const asks = fact.policy !== null && policy !== null
    const counted = count(fact, { 1: control.keys, 2: fact.control.keys, 3: asks ? policy.keys : [] })
    must(counted(2) >= fact.control.threshold, 'too few')
    must(!asks || counted(3) >= policy.threshold, 'too few')
  } else if (kind === 5) {
    must(policy !== null, 'no policy')
    fit(fact.control)
    fit(fact.next)
    if (fact.revealed !== null) committed(next, fact.revealed)
    const keys = [...fact.control.keys, ...(fact.revealed?.keys ?? [])]
    unnamed(facts, keys)
    fresh(facts, fact.next, keys)
    const counted = count(fact, { 2: fact.revealed?.keys ?? [], 3: policy.keys, 5: fact.control.keys })
    must(counted(3) >= policy.threshold && counted(5) >= fact.control.threshold, 'too few')
    must(fact.revealed === null || counted(2) >= fact.revealed.threshold, 'too few')
  } else if (kind === 6 || kind === 7) {
    const waiting = waitingOf(facts)
    must(waiting !== null && waiting.hash === fact.announcement, 'no such recovery')
    if (kind === 6) {
      must(waiting.revealed === null, 'final')
      must(count(fact, { 1: control.keys })(1) >= control.threshold, 'too few')
    } else {
      must(fact.time >= dueOf(facts, waiting), 'too early')
      unnamed(facts, waiting.control.keys)
      fresh(facts, waiting.next, waiting.control.keys)
      must(count(fact, { 5: waiting.control.keys })(5) >= waiting.control.threshold, 'too few')
    }
  } else {
    acceptByAdmins(facts, fact, control)
  }
}

function acceptByAdmins(facts: Fact[], fact: Fact, control: Keys): void {
  const devices = devicesOf(facts)
  const { admin } = fact
  const live = (device: Fact): boolean =>
    revocationOf(facts, device.key) === undefined && (device.expiry === 0 || device.expiry > fact.time)
  const writer = devices.findIndex(({ key }) => key === fact.writer)
  const signers = admin === null ? [] : [...new Set(writer === -1 ? [admin] : [admin, writer])]
  const allowed = devices.map(({ key }, i) => (signers.includes(i) ? key : undefined))
  const counted = count(fact, { 1: admin === null ? control.keys : [], 4: allowed })
  if (admin === null) must(counted(1) >= control.threshold, 'too few')
  else {
    const device = devices[admin]
    must(device !== undefined && device.role === 3 && live(device), 'no right')
    must(counted(4) === signers.length, 'too few')
    must(fact.kind !== 8 || fact.writer !== null, 'nobody writes it')
  }
  if (fact.kind === 3) {
    unnamed(facts, [fact.key])
    unreserved(facts, [fact.key])
    must(fact.expiry === 0 || fact.expiry > fact.time, 'expired')
    must(admin === null || fact.role !== 3, 'an admin by an admin')
    must(good(3, fact.terms, fact.possession, fact.key), 'possession')
  } else if (fact.kind === 4) {
    const device = devices.find(({ key }) => key === fact.key)
    must(device !== undefined, 'nobody to revoke')
    must(admin === null || device.role !== 3 || devices[admin] === device, 'an admin by an admin')
    must(new Set(fact.ends.map(({ core }) => core)).size === fact.ends.length, 'one twice')
    let isNew = revocationOf(facts, device.key) === undefined
    const { lines, ends, named } = coresOf(facts)
    for (const end of fact.ends) {
      const roll = [...lines.values()].flat().find(({ core }) => core === end.core)
      const isDropped = !roll && named.some(({ core }) => core === end.core)
      if (isDropped) continue
      const isOpen = roll === undefined || typeof ends.get(end.core)?.admin === 'number'
      must(roll?.writer === fact.key || (isOpen && admin === null), 'somebody else’s')
      if (saysMore(ends.get(end.core), end, admin)) isNew = true
    }
    must(isNew, 'revoked before')
  } else {
    acceptRolls(facts, fact)
  }
}

/** Whether an end is new, or may take the place of the one there is. */
function saysMore(
  known: (End & { admin: number | null }) | undefined,
  end: End,
  admin: number | null
): boolean {
  if (known === undefined) return true
  if (known.admin !== null && admin === null) return true
  must(plain(known) === plain(end), 'another end')
  return false
}

function acceptRolls(facts: Fact[], fact: Fact): void {
  const devices = devicesOf(facts)
  const { lines, ends, named } = coresOf(facts)
  const names = fact.rolls.map(({ name }) => name)
  must(names.length > 0 && new Set(names).size === names.length && !names.includes(''), 'names')
  const cores = fact.rolls.map(({ core }) => core)
  must(new Set(cores).size === cores.length, 'one twice')
  must(!cores.some((core) => ends.has(core) || named.some((roll) => roll.core === core)), 'counted before')
  if (fact.writer !== null) {
    const device = devices.find(({ key }) => key === fact.writer)
    must(
      device !== undefined && revocationOf(facts, device.key) === undefined && device.role !== 1,
      'a writer'
    )
    must(device.expiry === 0 || device.expiry > fact.time, 'expired')
  }
  for (const { name, previous } of fact.rolls) {
    const line = lines.get(name) ?? []
    const place = line.findIndex(({ core }) => core === previous?.core)
    const before = line[place]
    must(
      (line.length === 0) === (previous === null) && (before === undefined) === (previous === null),
      'previous'
    )
    if (before === undefined || previous === null) continue
    const after = line.slice(place + 1)
    must(
      after.length === 0 || (fact.admin === null && after.every(({ admin }) => admin !== null)),
      'confirmed'
    )
    saysMore(ends.get(previous.core), previous, fact.admin)
    const owner = devices.find(({ key }) => key === before.writer)
    const isAdmins = owner?.role === 3 && revocationOf(facts, owner.key) === undefined
    must(fact.admin === null || (owner !== undefined && !isAdmins), 'an admin’s, or the identity’s')
  }
}

function checkPolicy(policy: Policy): void {
  fit(policy)
  must(policy.delay <= 100 * 365 * 86_400_000, 'delay')
}

/** The accepted events with this one, or `null` when it is refused. */
export function accepted(facts: Fact[], bytes: Uint8Array): Fact[] | null {
  try {
    const fact = read(bytes)
    accept(facts, fact)
    return [...facts, fact]
  } catch (error) {
    if (error instanceof Refused) return null
    throw error
  }
}

/** What an app sees. */
export function summary(facts: Fact[]): object {
  const waiting = waitingOf(facts)
  const { control, next } = last(inForce(facts))
  return {
    identity: (facts[0] as Fact).hash,
    seq: facts.length - 1,
    hash: last(facts).hash,
    time: last(facts).time,
    control,
    next,
    recovery: policyOf(facts),
    pending: waiting && {
      announcement: waiting.hash,
      due: dueOf(facts, waiting),
      final: waiting.revealed !== null
    },
    devices: devicesOf(facts).map(({ key, role, expiry, name }) => {
      const revoked = revocationOf(facts, key)
      return { key, role, expiry, name, revoked: revoked?.seq ?? null, reason: revoked?.reason ?? 0 }
    }),
    cores: [...coresOf(facts).lines.values()]
      .flat()
      .map(({ name, core, writer, previous }) => `${name} ${core} ${writer} ${previous && plain(previous)}`)
      .sort(),
    ends: [...coresOf(facts).ends.values()].map(plain).sort()
  }
}
