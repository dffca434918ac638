import Protomux from 'protomux'
import { expect, test } from 'vitest'
import { testnet, until } from '@cloudpal/test-kit'
import { Recovery, RecoveryHelp, type RecoveryAsk, type Share } from '../src/index.ts'
import { meet, type Meeting, type MeetOptions } from '../src/protomux/index.ts'
import { spoken } from './meetings.ts'
import { bytesOf, deal, sharesOf } from './sets.ts'

type Connection = Parameters<typeof Protomux.from>[0]

/** Two swarms that found each other over a DHT on this computer. */
async function connected(): Promise<[Connection, Connection]> {
  const network = await testnet()
  const swarms = [network.createSwarm(), network.createSwarm()] as const
  const ends = swarms.map((swarm) => new Promise<Connection>((found) => swarm.once('connection', found)))
  const topic = bytesOf(32, 21)
  await swarms[0].join(topic, { server: true, client: false }).flushed()
  swarms[1].join(topic, { server: false, client: true })
  return Promise.all(ends) as Promise<[Connection, Connection]>
}

const [share] = sharesOf(deal(bytesOf(32))) as [Share]

function asks(connection: Connection, options?: MeetOptions): [RecoveryAsk, Meeting] {
  const ask = new Recovery({ label: 'Ada’s cloud' }).ask('Ann')
  return [ask, must(meet(connection, ask, options))]
}

/** A friend whose person agrees at once. */
async function agrees(help: RecoveryHelp, friend: Meeting): Promise<void> {
  await until(() => help.request !== null)
  friend.send(help.begin())
  await until(() => help.ready)
}

function must<T>(value: T | null): T {
  if (value === null) throw new Error('nothing there')
  return value
}

test('a share comes over a Hyperswarm connection', async () => {
  const [near, far] = await connected()
  const help = new RecoveryHelp()
  const friend = must(meet(far, help))
  const [ask] = asks(near)
  await agrees(help, friend)
  friend.send(help.approve(share, ask.code?.numbers ?? ''))
  await until(() => ask.arrived)
  ask.confirm(spoken(help))
  expect(ask.share?.toBytes()).toEqual(share.toBytes())
})

test('a friend’s no, and nonsense, end the meeting and not the connection', async () => {
  const [near, far] = await connected()
  const codes: unknown[] = []
  const onerror = (error: unknown): void => void codes.push((error as { code: string }).code)
  for (const last of [(help: RecoveryHelp) => help.refuse(), () => bytesOf(100)]) {
    const help = new RecoveryHelp()
    let closed = 0
    const onclose = (): void => void closed++
    const friend = must(meet(far, help, { onclose }))
    asks(near, { onerror, onclose })
    await agrees(help, friend)
    friend.send(last(help))
    await until(() => closed === 2)
  }
  expect(codes).toEqual(['SECRET_SHARE_REFUSED', 'SECRET_SHARE_DAMAGED'])
  expect((near as unknown as { destroyed: boolean }).destroyed).toBe(false)
  const help = new RecoveryHelp()
  const friend = must(meet(far, help))
  asks(near)
  await agrees(help, friend)
})

test('callbacks that throw end neither the meeting nor the connection, and are told of', async () => {
  const [near, far] = await connected()
  const errors: string[] = []
  const closed = new Set<string>()
  const mistake = (): never => {
    throw new Error('a mistake of the app')
  }
  const closes = (side: string) => (): never => {
    closed.add(side)
    return mistake()
  }
  const help = new RecoveryHelp()
  const options = { onprogress: mistake, onerror: mistake, onclose: closes('friend') }
  const friend = must(meet(far, help, options))
  const onerror = (error: unknown): void => void errors.push((error as Error).message)
  const [ask] = asks(near, { onprogress: mistake, onclose: closes('device'), onerror })
  await agrees(help, friend)
  expect(ask.code).not.toBeNull()
  expect(errors).toEqual(['a mistake of the app'])
  friend.send(bytesOf(100))
  await until(() => closed.size === 2)
  expect(errors.map((message) => message.split(':')[0]).sort()).toEqual([
    'SECRET_SHARE_DAMAGED',
    'a mistake of the app',
    'a mistake of the app'
  ])
  const again = new RecoveryHelp()
  const second = must(meet(far, again))
  asks(near)
  await agrees(again, second)
  expect([near, far].map((end) => (end as unknown as { destroyed: boolean }).destroyed)).toEqual([
    false,
    false
  ])
})

test('there is one meeting at a time on a connection', async () => {
  const [near] = await connected()
  const [, first] = asks(near)
  expect(meet(near, new RecoveryHelp())).toBeNull()
  first.close()
})

test('a help for which the channel has closed is said to be unsent, and comes over the next one', async () => {
  const [near, far] = await connected()
  const help = new RecoveryHelp()
  let closed = false
  const friend = must(meet(far, help, { onclose: () => void (closed = true) }))
  const [ask, device] = asks(near)
  await agrees(help, friend)
  const sent = help.approve(share, spoken(ask))
  device.close() // the new device’s app went to the background
  await until(() => closed)
  expect(() => friend.send(sent)).toThrow('SECRET_SHARE_NOT_CONNECTED')
  expect(ask.arrived).toBe(false)
  meet(far, help)
  meet(near, ask)
  await until(() => ask.arrived)
  ask.confirm(spoken(help))
  expect(ask.share?.toBytes()).toEqual(share.toBytes())
})

test('a meeting that was cut after the codes were there goes on with the same codes over another connection', async () => {
  const [near, far] = await connected()
  const help = new RecoveryHelp()
  const friend = must(meet(far, help))
  const [ask] = asks(near)
  await agrees(help, friend)
  const { code } = ask
  ;(near as unknown as { destroy(): void }).destroy()
  const [nearAgain, farAgain] = await connected()
  const errors: unknown[] = []
  const onerror = (error: unknown): void => void errors.push(error)
  const again = must(meet(farAgain, help, { onerror }))
  meet(nearAgain, ask, { onerror })
  again.send(help.approve(share, spoken(ask)))
  await until(() => ask.arrived)
  expect([ask.code, errors]).toEqual([code, []])
})
