import { expect, test } from 'vitest'
import { Flow } from '../src/flow/flow.ts'
import { Carrier } from '../src/session/carrier.ts'

const none = (): void => {}

test('what nobody reads does not keep more memory than its window, however small the segments are in what came', async () => {
  const io = {
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
  const carrier = new Carrier(new Flow(io, { own: 1 << 20, theirs: 1 << 20 }), none)
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
