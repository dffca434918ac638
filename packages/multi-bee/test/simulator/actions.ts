import type { MembershipRecord } from '../../src/merge/transaction.ts'
import { appliedLength } from '../../src/engine/device-state.ts'
import { carry, deliver, parcel } from './network.ts'
import type { SimDevice } from './sim-device.ts'
import type { Action, Simulation } from './simulation.ts'

/** What a write may be refused with. */
const REFUSALS = new Set(['MULTI_BEE_NOT_WRITABLE', 'MULTI_BEE_CLOSED', 'MULTI_BEE_BAD_ARGUMENT'])

export const actions: readonly Action[] = [
  { weight: 30, run: write },
  { weight: 8, run: writeMuch },
  { weight: 14, run: meet },
  { weight: 5, run: sendSome },
  { weight: 5, run: deliverOne },
  { weight: 4, run: elapse },
  { weight: 4, run: restart },
  { weight: 3, run: kill },
  { weight: 6, run: dieSoon },
  { weight: 6, run: switchOn },
  { weight: 3, run: moveClock },
  { weight: 4, run: wall },
  { weight: 3, run: backUp },
  { weight: 2, run: restore },
  { weight: 1, run: clone },
  { weight: 2, run: move },
  { weight: 3, run: add },
  { weight: 2, run: remove },
  { weight: 3, run: checkOne }
]

function someDevice(simulation: Simulation): SimDevice | null {
  return simulation.on.length === 0 ? null : simulation.random.pick(simulation.on)
}

/** One change of one key, as an app makes it. */
function write(simulation: Simulation): void {
  const device = someDevice(simulation)
  if (device !== null) change(simulation, device)
}

/** Several at once, and nobody waits for any of them. */
function writeMuch(simulation: Simulation): void {
  const device = someDevice(simulation)
  if (device === null) return
  for (let i = simulation.random.integer(2, 6); i > 0; i--) change(simulation, device)
}

function change(simulation: Simulation, device: SimDevice): void {
  const { random, entryKeys } = simulation
  const key = random.pick(entryKeys)
  const unique = `${device.name}${simulation.seed}.${simulation.counts.steps}.${random.integer(0, 1_000_000)}`
  const kind = random.pick([
    'keep',
    'keep',
    'put',
    'put',
    'shared',
    'field',
    'field',
    'del',
    'batch',
    'based',
    'resolve'
  ] as const)
  simulation.tell(`${device.name} ${kind} ${key} ${unique}`)
  const doing = doIt(simulation, device, kind, key, unique)
  const { disk } = device
  const acknowledge = (isKept: boolean): void => {
    simulation.counts.writes++
    if (isKept && !disk.isDead) simulation.acknowledged.push({ device, value: unique, isMoved: false })
  }
  const refuse = (error: { code?: string }): void => {
    if (!REFUSALS.has(error.code ?? '')) device.failures.push(error)
  }
  void doing.then(acknowledge, refuse)
}

/** @returns whether nothing but a removal may make it vanish */
async function doIt(
  { random }: Simulation,
  device: SimDevice,
  kind: 'keep' | 'put' | 'shared' | 'field' | 'del' | 'batch' | 'based' | 'resolve',
  key: string,
  unique: string
): Promise<boolean> {
  switch (kind) {
    case 'keep':
      await device.put(`keep/${unique}`, unique)
      return true
    case 'put':
      await device.put(key, random.float() < 0.5 ? unique : { f: unique, g: { h: random.integer(0, 2) } })
      return false
    case 'shared':
      await device.put(key, random.pick([{}, { f: 1 }, { f: 1, g: {} }, null, [1], 'x', { g: { h: 1 } }]))
      return false
    case 'field':
      await device.update(key, (value) => ({
        ...(typeof value === 'object' ? value : {}),
        [random.pick(['f', 'g', ''])]: unique
      }))
      return false
    case 'del':
      await device.del(key)
      return false
    case 'batch': {
      const batch = device.batch()
      await batch.put('a', unique)
      await batch.put('b', { f: unique })
      if (random.float() < 0.5) await batch.del('c')
      await batch.flush()
      return false
    }
    case 'based': {
      const base = await device.get(key)
      for (let i = random.integer(0, 20); i > 0; i--) await Promise.resolve()
      if (base === null) return false
      await device.put(key, { f: unique }, { base })
      return false
    }
    default:
      await device.resolve(key, random.pick([[], ['f'], ['g', 'h']]), unique)
      return false
  }
}

async function meet(simulation: Simulation): Promise<void> {
  const { random } = simulation
  const [a, b] = [someDevice(simulation), someDevice(simulation)]
  if (a === null || b === null || !simulation.canMeet(a, b)) return
  const most = random.pick([1, 2, 5, Infinity])
  simulation.tell(`${a.name} gives ${b.name} up to ${most} of each log`)
  await carry(a, b, most)
}

function sendSome(simulation: Simulation): void {
  const { random } = simulation
  const [from, to] = [someDevice(simulation), someDevice(simulation)]
  if (from === null || to === null || !simulation.canMeet(from, to)) return
  const log = random.pick([...from.disk.logs.keys()])
  const start = random.integer(0, from.disk.logs.get(log)?.length ?? 0)
  simulation.tell(`${from.name} sends ${to.name} ${log.slice(0, 4)} from ${start}`)
  simulation.parcels.push(parcel(from, to, log, start))
}

/** Late, out of order, or twice. */
function deliverOne(simulation: Simulation): void {
  const { random, parcels } = simulation
  if (parcels.length === 0) return
  const at = random.integer(0, parcels.length - 1)
  const [chosen] = random.float() < 0.3 ? [parcels[at]] : parcels.splice(at, 1)
  if (chosen !== undefined) deliver(chosen)
}

function elapse(simulation: Simulation): void {
  someDevice(simulation)?.elapse()
}

async function restart(simulation: Simulation): Promise<void> {
  const device = someDevice(simulation)
  if (device === null) return
  simulation.tell(`${device.name} restarts`)
  await simulation.stop(device)
  if (!device.isOn) await simulation.start(device)
}

function kill(simulation: Simulation): void {
  const device = someDevice(simulation)
  if (device === null) return
  simulation.tell(`${device.name} is killed`)
  simulation.counts.crashes++
  device.kill()
}

function dieSoon(simulation: Simulation): void {
  const { random } = simulation
  const device = someDevice(simulation)
  if (device === null) return
  const [writes, before] = [random.integer(1, 6), random.float() < 0.5]
  simulation.tell(`${device.name} dies ${before ? 'before' : 'after'} its storage write ${writes} from now`)
  device.disk.dieAt(writes, before)
}

async function switchOn(simulation: Simulation): Promise<void> {
  const { random, devices } = simulation
  const off = devices.filter(({ isOn }) => !isOn)
  if (off.length === 0) return
  const device = random.pick(off)
  simulation.tell(`${device.name} is switched on`)
  if (random.float() < 0.2) device.disk.dieAt(random.integer(1, 6), random.float() < 0.5)
  await simulation.start(device)
}

function moveClock(simulation: Simulation): void {
  const { random } = simulation
  const device = random.pick(simulation.devices)
  const offsetMs =
    device.clock.offsetMs + random.pick([-3_600_000, 3_600_000, -1, 61_000, -365 * 24 * 3_600_000])
  simulation.tell(`${device.name} has its clock moved`)
  device.clock = { offsetMs, rate: random.pick([1, 1, 0, -1] as const) }
}

function wall({ random, devices, walls, tell }: Simulation): void {
  const pair = `${random.pick(devices).name} ${random.pick(devices).name}`
  if (!walls.delete(pair)) walls.add(pair)
  void tell
}

function backUp(simulation: Simulation): void {
  const device = someDevice(simulation)
  if (device === null) return
  simulation.tell(`${device.name} is backed up`)
  simulation.backups.push({ of: device, disk: device.disk.copy() })
}

/** A device gets its old files back. It may be able to tell, or not. */
async function restore(simulation: Simulation): Promise<void> {
  const { random, backups } = simulation
  if (backups.length === 0) return
  const { of: device, disk } = random.pick(backups)
  await simulation.rest()
  if (device.isOn) device.kill()
  device.disk = disk.copy()
  device.isMoved = random.float() < 0.5
  simulation.counts.restores++
  simulation.tell(`${device.name} is restored${device.isMoved ? '' : ', and cannot tell'}`)
  forget(simulation, device)
  await simulation.start(device)
}

/** A backup is put into another machine. */
async function clone(simulation: Simulation): Promise<void> {
  const { random, backups, devices } = simulation
  if (backups.length === 0 || devices.length >= 6) return
  const { of, disk } = random.pick(backups)
  const device = simulation.makeDevice(disk.copy())
  device.isMoved = random.float() < 0.7
  simulation.counts.restores++
  simulation.tell(`${device.name} is a clone of ${of.name}${device.isMoved ? '' : ', and cannot tell'}`)
  await simulation.start(device)
}

/** The store of a device is moved: nothing of it is lost, and the device can tell. */
async function move(simulation: Simulation): Promise<void> {
  const device = someDevice(simulation)
  if (device === null) return
  await simulation.rest()
  device.kill()
  device.isMoved = true
  simulation.tell(`${device.name} is moved`)
  for (const entry of simulation.acknowledged) if (entry.device === device) entry.isMoved = true
  await simulation.start(device)
}

/** What only the files held that are gone now is gone. */
function forget({ acknowledged }: Simulation, device: SimDevice): void {
  for (let i = acknowledged.length - 1; i >= 0; i--)
    if (acknowledged[i]?.device === device) acknowledged.splice(i, 1)
}

function add(simulation: Simulation): void {
  const [device, whom] = [someDevice(simulation), someDevice(simulation)]
  if (device === null || whom === null) return
  simulation.tell(`${device.name} adds ${whom.name}`)
  const { state } = whom.engine
  submit(device, [{ type: 'add', writer: state.writers.keyOf(state.self), name: whom.name }])
}

async function remove(simulation: Simulation): Promise<void> {
  const { random } = simulation
  const device = someDevice(simulation)
  if (device === null || !device.isWritable || random.float() < 0.4) return
  const { state } = device.engine
  const active = state.membership.members.filter(({ cutOff }) => cutOff === null)
  if (active.length < 2) return
  const whom = random.pick(active)
  const records: MembershipRecord[] = []
  for (const { writer, removed } of random.float() < 0.7 ? state.membership.lineOf(whom.writer) : [whom]) {
    if (removed) continue
    const length = Math.max(0, appliedLength(state, writer) - random.pick([0, 0, 1, 3]))
    const fingerprint = await state.logs.get(writer)?.log.fingerprint(length)
    if (fingerprint !== undefined)
      records.push({
        type: 'remove',
        writer: state.writers.keyOf(writer),
        cutOff: { length, ...fingerprint }
      })
  }
  simulation.counts.removals++
  simulation.tell(`${device.name} removes ${whom.name} (${records.length} logs)`)
  if (records.length > 0) submit(device, records)
}

function submit(device: SimDevice, records: MembershipRecord[]): void {
  device.engine.submit({ type: 'membership', records }).catch((error: { code?: string }) => {
    if (!REFUSALS.has(error.code ?? '')) device.failures.push(error)
  })
}

async function checkOne(simulation: Simulation): Promise<void> {
  const device = someDevice(simulation)
  if (device === null) return
  await simulation.rest()
  await simulation.check(device)
}
