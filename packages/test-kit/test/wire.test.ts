import Corestore from 'corestore'
import Hyperbee from 'hyperbee'
import type Hypercore from 'hypercore'
import { Duplex } from 'streamx'
import { expect, test } from 'vitest'
import { Cleanup, replicate, tmpStore, until } from '../src/index.ts'

async function twoPeers(): Promise<{ a: Corestore; b: Corestore; writer: Hypercore; reader: Hypercore }> {
  const [a, b] = [await tmpStore(), await tmpStore()]
  const writer = a.get({ name: 'core' })
  await writer.ready()
  const reader = b.get({ key: writer.key })
  reader.download({ start: 0, end: -1 })
  return { a, b, writer, reader }
}

test('two stores replicate both ways', async () => {
  const { a, b, writer, reader } = await twoPeers()
  const back = b.get({ name: 'back' })
  await back.append('from b')
  const wire = replicate(a, b)
  await writer.append('from a')
  await until(() => reader.contiguousLength === 1)
  expect(await a.get({ key: back.key }).get(0)).toEqual(Buffer.from('from b'))
  expect(wire.connected).toBe(true)
  expect(wire.failure).toBe(null)
})

test('anything with replicate will do', async () => {
  const { a, b } = await twoPeers()
  const bee = new Hyperbee<string>(a.get({ name: 'bee' }), { keyEncoding: 'utf-8' })
  await bee.put('k', Buffer.from('v'))
  const copy = new Hyperbee<string>(b.get({ key: bee.key }), { keyEncoding: 'utf-8' })
  await copy.ready()
  replicate(bee, copy)
  await until(() => copy.core.peers.length === 1)
  expect(await until(() => copy.get('k'))).toMatchObject({ key: 'k' })
})

test('a paused wire stays connected, and delivers when resumed', async () => {
  const { a, b, writer, reader } = await twoPeers()
  const wire = replicate(a, b)
  await until(() => reader.peers.length === 1)
  wire.pause()
  await writer.append('block')
  await new Promise((done) => setTimeout(done, 50))
  expect(reader.length).toBe(0)
  expect([wire.connected, reader.peers.length]).toEqual([true, 1])
  wire.resume()
  await until(() => reader.contiguousLength === 1)
})

test('a cut wire has closed its streams, and heals with new ones', async () => {
  const { a, b, writer, reader } = await twoPeers()
  const wire = replicate(a, b)
  await until(() => reader.peers.length === 1)
  const [left] = wire.streams
  await wire.cut()
  expect([wire.connected, left.destroyed, wire.failure]).toEqual([false, true, null])
  expect([writer.peers.length, reader.peers.length]).toEqual([0, 0])
  await writer.append('block')
  wire.heal()
  expect(wire.streams[0]).not.toBe(left)
  await until(() => reader.contiguousLength === 1)
})

test('a paused wire can be cut, and healing resumes one that is only paused', async () => {
  const { a, b, writer, reader } = await twoPeers()
  const wire = replicate(a, b)
  await until(() => reader.peers.length === 1)
  wire.pause()
  await writer.append('lost on the way')
  await wire.cut()
  wire.heal()
  await until(() => reader.contiguousLength === 1)
  wire.pause()
  await writer.append('late')
  wire.heal()
  await until(() => reader.contiguousLength === 2)
})

test('a block asked for during a cut arrives after healing', async () => {
  const [a, b] = [await tmpStore(), await tmpStore()]
  const writer = a.get({ name: 'core' })
  await writer.append('block')
  const wire = replicate(a, b)
  const reader = b.get({ key: writer.key })
  await wire.cut()
  const block = reader.get(0)
  wire.heal()
  expect(await block).toEqual(Buffer.from('block'))
})

test('a peer that closes its stream with an error breaks the wire, which says why', async () => {
  const { a, b, reader } = await twoPeers()
  const wire = replicate(a, b)
  await until(() => reader.peers.length === 1)
  wire.streams[1].destroy(new Error('bad proof'))
  await until(() => wire.failure)
  expect(wire.failure?.message).toBe('bad proof')
  expect(wire.connected).toBe(false)
  wire.heal()
  await until(() => reader.peers.length === 1)
  expect(wire.failure).toBe(null)
})

test('an error of streams that were replaced is not that of the new ones', async () => {
  const { a, b, reader } = await twoPeers()
  const wire = replicate(a, b)
  await until(() => reader.peers.length === 1)
  const closed = new Promise<void>((done) => wire.streams[0].on('close', done))
  wire.streams[1].destroy(new Error('bad proof'))
  wire.heal()
  await closed
  await until(() => reader.peers.length === 1)
  expect([wire.connected, wire.failure]).toEqual([true, null])
})

test('a destroyed wire is closed for good', async () => {
  const { a, b } = await twoPeers()
  const wire = replicate(a, b)
  await wire.destroy()
  await wire.destroy()
  expect(wire.streams.every((stream) => stream.destroyed)).toBe(true)
  expect(() => wire.heal()).toThrow('destroyed')
})

test('a cut waits for streams that take long to close, also replaced ones', async () => {
  const delaysMs = [60, 60, 10, 10]
  let closed = 0
  const slow = {
    replicate: () => {
      const delayMs = delaysMs.shift()
      return new Duplex({
        destroy(done) {
          setTimeout(() => {
            closed++
            done(null)
          }, delayMs)
        }
      })
    }
  }
  const wire = replicate(slow, slow)
  wire.streams[0].destroy()
  wire.heal()
  await wire.cut()
  expect(closed).toBe(4)
})

test('the streams close before the stores', async () => {
  const cleanup = new Cleanup()
  const [a, b] = [await tmpStore({ cleanup }), await tmpStore({ cleanup })]
  const wire = replicate(a, b, { cleanup })
  const order: string[] = []
  a.on('close', () => order.push('store'))
  for (const stream of wire.streams) stream.on('close', () => order.push('stream'))
  await cleanup.run()
  expect(order).toEqual(['stream', 'stream', 'store'])
})
