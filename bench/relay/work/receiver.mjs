// The receiver: of each message that is announced by its length, in four bytes, it acknowledges the end with one byte. Asked for its wire, it says what the
// socket of the last connection says.
import { wayOf } from '../ways/ways.mjs'

/** Asked by the sender; any other word is for the way. */
const WIRE = 'wire'

const way = await wayOf(process.argv[2])
const info = JSON.parse(process.argv[3] ?? '{}')
/** @type {import('../ways/way.mjs').End | null} */
let last = null
process.on('message', (word) => {
  if (word === WIRE) process.send?.({ wire: last === null ? null : (way.wireOf?.(last) ?? null) })
  else way.told?.(String(word), take)
})
process.once('disconnect', () => process.exit(0))
process.send?.({ address: await way.receive(info, take) })

/** @param {import('../ways/way.mjs').End} end */
function take(end) {
  last = end
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
