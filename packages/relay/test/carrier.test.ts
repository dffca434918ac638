import v8 from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, test, vi } from 'vitest'
import { Flow } from '../src/flow/flow.ts'
import { Carrier } from '../src/session/carrier.ts'

const none = (): void => {}
const WINDOWS = { own: 1 << 20, theirs: 1 << 20 }

/** Of a flow whose other side is not there. */
const io = {
  now: () => 0,
  transmit: () => true,
  deliver: none,
  onfinish: none,
  onroom: none,
  onuntold: none,
  onreset: none,
  onleft: none,
  onretired: none,
  onforsaken: none
}

test('what nobody reads does not keep more memory than its window, however small the segments are in what came', async () => {
  const carrier = new Carrier(new Flow(io, WINDOWS), none)
  carrier.on('error', none)
  // As it comes off a socket, in part before the stream says that it is full, in part after.
  const chunk = (): Uint8Array => new Uint8Array(65_536)
  for (let i = 0; i < 500; i++) carrier.deliver(chunk().subarray(9, 10))
  carrier.deliver(chunk().subarray(0, 32_768))
  for (let i = 0; i < 500; i++) carrier.deliver(chunk().subarray(9, 6_000))
  const kept = new Set<ArrayBufferLike>()
  let [read, held] = [0, 0]
  const wanted = 500 + 32_768 + 500 * 5_991
  await new Promise<void>((resolve) =>
    carrier.on('data', (data) => {
      const bytes = data as Uint8Array
      if (!kept.has(bytes.buffer)) held += bytes.buffer.byteLength
      kept.add(bytes.buffer)
      read += bytes.length
      if (read === wanted) resolve()
    })
  )
  expect(held).toBeLessThan(3 * wanted)
  carrier.destroy()
})

test('all that was read counts as taken, also what was waiting when the stream ended', async () => {
  const flow = new Flow(io, WINDOWS)
  const took = vi.spyOn(flow, 'took')
  const carrier = new Carrier(flow, none)
  // More than the stream takes without saying that it is full.
  for (let i = 0; i < 4; i++) carrier.deliver(new Uint8Array(10_000))
  carrier.finish()
  await new Promise((resolve) => carrier.resume().once('end', () => resolve(null)))
  expect(took.mock.calls.reduce((sum, [bytes]) => sum + bytes, 0)).toBe(40_000)
  carrier.destroy()
})

/** Bytes of this process after a collection, but for the memory of array buffers. */
function used(): number {
  v8.setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  for (let i = 0; i < 3; i++) collect()
  const { heapUsed, external, arrayBuffers } = process.memoryUsage()
  return heapUsed + external - arrayBuffers
}

const BYTE = new Uint8Array(65_536).subarray(9, 10)

test('what nobody reads does not keep a hundred times its window, however small the segments are', async () => {
  const windowBytes = 128 * 1024
  const carrier = new Carrier(new Flow(io, { own: windowBytes, theirs: windowBytes }), none)
  carrier.on('error', none)
  const before = used()
  for (let i = 0; i < windowBytes; i++) carrier.deliver(BYTE)
  const kept = used() - before
  expect(kept / windowBytes).toBeLessThan(32)
  // And all of it is read, in order, with what comes behind it.
  const [last, big] = [Uint8Array.of(1, 2, 3), new Uint8Array(20_000).fill(4)]
  for (const bytes of [last, big]) carrier.deliver(bytes)
  carrier.finish()
  const read: Uint8Array[] = []
  carrier.on('data', (data) => read.push(data as Uint8Array))
  await new Promise((resolve) => carrier.once('end', () => resolve(null)))
  const wanted = Buffer.concat([new Uint8Array(windowBytes), last, big])
  expect(Buffer.concat(read).equals(wanted)).toBe(true)
  carrier.destroy()
})

test('no more than a window and what a stream holds waits to be read, as its reader comes back now and then', async () => {
  const flow = new Flow(io, WINDOWS)
  const took = vi.spyOn(flow, 'took')
  const carrier = new Carrier(flow, none)
  carrier.on('error', none)
  let [given, read] = [0, 0]
  const taken = (): number => took.mock.calls.reduce((sum, [bytes]) => sum + bytes, 0)
  for (let i = 0; i < 40; i++) {
    while (given - taken() < WINDOWS.own) {
      carrier.deliver(new Uint8Array(3_000))
      given += 3_000
    }
    read += (carrier.read() as Uint8Array | null)?.length ?? 0
    await new Promise((resolve) => setImmediate(resolve))
    expect(given - read).toBeLessThan(WINDOWS.own + 40_000)
  }
  expect(read).toBeGreaterThan(0)
  carrier.destroy()
})
