import type { Connection } from '../src/index.ts'

/** The counting bytes, made once: a function call for each would be most of what a test costs. */
const COUNTING = Buffer.from(Array.from({ length: 251 + 200_000 }, (_, i) => i % 251))

/** At most `length` of them, from an offset on. */
function countingAt(offset: number, length: number): Buffer {
  const start = offset % 251
  return COUNTING.subarray(start, start + length)
}

/** Sends counting bytes in chunks of changing sizes, as fast as the connection takes them. */
export async function sendCounting(connection: Connection, total: number): Promise<void> {
  const sizes = [1, 700, 65_000, 16_384, 200_000]
  for (let at = 0, i = 0; at < total; i++) {
    const length = Math.min(sizes[i % sizes.length] ?? 1, total - at)
    const chunk = Uint8Array.from(countingAt(at, length))
    at += length
    if (!connection.write(chunk)) await drained(connection)
  }
}

/** Reads until `total` bytes have come. @returns the offset of the first wrong one, or -1 */
export function receiveCounting(
  connection: Connection,
  total: number,
  onprogress: (received: number) => void = () => {}
): Promise<number> {
  return new Promise((resolve, reject) => {
    let at = 0
    connection.on('data', (data) => {
      for (let rest: Uint8Array = data; rest.length > 0;) {
        const expected = countingAt(at, rest.length)
        const wrong = firstOther(rest, expected)
        if (wrong !== -1) return resolve(at + wrong)
        at += expected.length
        rest = rest.subarray(expected.length)
      }
      onprogress(at)
      if (at === total) resolve(-1)
    })
    connection.once('close', () => reject(new Error(`closed after ${at} of ${total} bytes`)))
  })
}

/** Where what has come is not what was expected; -1 where it is that as far as this goes. */
function firstOther(come: Uint8Array, expected: Buffer): number {
  if (expected.equals(come.subarray(0, expected.length))) return -1
  return expected.findIndex((byte, i) => byte !== come[i])
}

function drained(connection: Connection): Promise<void> {
  return new Promise((resolve, reject) => {
    const onclose = (): void => reject(new Error('closed while it was written to'))
    connection.once('close', onclose)
    connection.once('drain', () => {
      connection.off('close', onclose)
      resolve()
    })
  })
}
