import Protomux from 'protomux'
import { expect, test } from 'vitest'
import { testnet, until } from '@cloudpal/test-kit'
import { Recovery, RecoveryHelp, type RecoveryAsk, type Share } from '../src/index.ts'
import { meet, type Meeting, type MeetOptions } from '../src/protomux/index.ts'
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
  const ask = new Recovery({ label: 'cloud' }).ask('Ann')
  return [ask, must(meet(connection, ask, options))]
}

function must<T>(value: T | null): T {
  if (value === null) throw new Error('nothing there')
  return value
}

test('a share comes over a Hyperswarm connection', async () => {
  const [near, far] = await connected()
  const help = new RecoveryHelp()
  const meeting = must(meet(far, help))
  const [ask] = asks(near)
  await until(() => help.code !== null && ask.code !== null)
  expect(help.code).toEqual(ask.code)
  meeting.send(help.approve(share, ask.code?.numbers ?? ''))
  await until(() => ask.share !== null)
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
    const meeting = must(meet(far, help, { onclose }))
    asks(near, { onerror, onclose })
    await until(() => help.code !== null)
    meeting.send(last(help))
    await until(() => closed === 2)
  }
  expect(codes).toEqual(['SECRET_SHARE_REFUSED', 'SECRET_SHARE_DAMAGED'])
  expect((near as unknown as { destroyed: boolean }).destroyed).toBe(false)
  const help = new RecoveryHelp()
  must(meet(far, help))
  const [ask] = asks(near)
  await until(() => help.code !== null && ask.code !== null)
})

test('there is one meeting at a time on a connection', async () => {
  const [near] = await connected()
  const [, first] = asks(near)
  expect(meet(near, new RecoveryHelp())).toBeNull()
  first.close()
})
