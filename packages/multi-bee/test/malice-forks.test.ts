import { expect, test } from 'vitest'
import { oracle } from './oracle/oracle.ts'
import { OWN_SPARES, WRITERS } from './oracle/values.ts'
import { fromHex } from './support/block-vectors.ts'
import { EngineDevice, shownByOracle } from './support/engine-device.ts'
import { MaliciousMember, NOW, operation } from './support/malicious-member.ts'
import { worldOf } from './support/world-blocks.ts'
import { MemoryLog } from './support/memory-log.ts'

const [FIRST, SECOND] = WRITERS as [string, string]
const KEYS = ['61', '62']

/** A device that has put `a` to 1 and then to 2, in a database with a member that says its log is forked. */
async function deviceForkedAt(length: number): Promise<{ device: EngineDevice; said: () => unknown }> {
  const member = new MaliciousMember(fromHex(SECOND))
  const device = new EngineDevice(
    new MemoryLog(fromHex(FIRST)),
    fromHex(FIRST),
    new Map([[SECOND, member.log]]),
    () => NOW,
    OWN_SPARES[0]
  )
  await device.open()
  await device.engine.submit({
    type: 'membership',
    records: [
      { type: 'genesis', deleteWins: false, ownerKey: null, name: '' },
      { type: 'add', writer: member.log.key, name: '' }
    ]
  })
  await put(device, '61', '1')
  await put(device, '61', '2')
  const cutOff = { length, fork: 0, treeHash: new Uint8Array(32) }
  member.write({ membership: [{ type: 'fork', writer: fromHex(FIRST), cutOff }], context: { [FIRST]: 1 } })
  member.write({ operations: [operation('b', '', '3')] })
  device.log(SECOND).deliver(2)
  await device.engine.settle()
  const said = (): unknown => {
    const held = new Map([...device.logs].map(([key, log]) => [key, log.blocks]))
    return shownByOracle(oracle(worldOf(FIRST, held)), KEYS)
  }
  return { device, said }
}

function put(device: EngineDevice, key: string, json: string): Promise<void> {
  const intent = { type: 'put' as const, value: { document: true, bytes: new TextEncoder().encode(json) } }
  const writes = [{ key: fromHex(key), intent, base: null, compare: null }]
  return device.engine.submit({ type: 'write', writes, atomic: false })
}

test('a member that calls an honest device’s log forked makes it go on in a new one, with all it wrote', async () => {
  const { device, said } = await deviceForkedAt(2)
  await put(device, '62', '4')
  expect(device.own.key).not.toEqual(fromHex(FIRST))
  const shown = await device.shown(KEYS)
  expect(shown.entries).toMatchObject({ 61: { text: '2' }, 62: { text: '4' } })
  expect(shown).toEqual(said())
  await device.restart()
  expect(await device.shown(KEYS)).toEqual(said())
  expect(device.failures).toEqual([])
  await device.engine.close()
})

test('one that calls the database’s first block forked ends it: also the device’s own succession counts nowhere', async () => {
  const { device, said } = await deviceForkedAt(0)
  const shown = await device.shown(KEYS)
  expect(shown).toMatchObject({ members: [{ writer: FIRST, cutOff: 0 }], applied: {}, entries: {} })
  expect(shown).toEqual(said())
  await expect(put(device, '62', '4')).rejects.toMatchObject({ code: 'MULTI_BEE_NOT_WRITABLE' })
  await device.restart()
  expect(await device.shown(KEYS)).toEqual(said())
  await device.crash()
  expect(await device.shown(KEYS)).toEqual(said())
  expect(device.failures).toEqual([])
  await device.engine.close()
})
