// The receiver: of each message that is announced by its length, in four bytes, it acknowledges the end with one byte.
import { wayOf } from '../ways/ways.mjs'

const way = await wayOf(process.argv[2])
const info = JSON.parse(process.argv[3] ?? '{}')
if (way.told) process.on('message', (word) => way.told?.(String(word), take))
process.once('disconnect', () => process.exit(0))
process.send?.({ address: await way.receive(info, take) })

/** @param {import('../ways/way.mjs').End} end */
function take(end) {
  let left = 0
  end.on('error', () => {})
  end.on('data', (data) => {
    for (let rest = Buffer.from(data); rest.length > 0;) {
      if (left === 0) {
        left = rest.readUInt32LE(0)
        rest = rest.subarray(4)
        continue
      }
      const taken = Math.min(left, rest.length)
      left -= taken
      rest = rest.subarray(taken)
      if (left === 0) end.write(new Uint8Array(1))
    }
  })
}
