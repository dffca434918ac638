import type { Connection } from '../src/index.ts'

/** The counting bytes, made once: a function call for each would be most of what a test costs. */
const COUNTING = Buffer.from(Array.from({ length: 251 + 200_000 }, (_, i) => i % 251))

/** At most `length` of them, from an offset on. */
function countingAt(offset: number, length: number): Buffer {
  const start = offset % 251
  return COUNTING.subarray(start, start + length)
}

const SIZES = [1, 700, 65_000, 16_384, 200_000]

/** Sends counting bytes in chunks of changing sizes, as fast as the connection takes them. */
export async function sendCounting(connection: Connection, total: number): Promise<void> {
  for (let at = 0, i = 0; at < total; i++) at += await sendChunk(connection, at, i, total - at)
}

/** Sends them until something has happened, however long that takes, and then `more`, and ends. @returns how many */
export async function sendCountingUntil(
  connection: Connection,
  happened: () => boolean,
  more: number
): Promise<number> {
  let [at, total] = [0, Infinity]
  for (let i = 0; at < total; i++) {
    at += await sendChunk(connection, at, i, total - at)
    if (total === Infinity && happened()) total = at + more
  }
  connection.end()
  return at
}

/** @returns how many bytes, at most `most`, went at `at` */
async function sendChunk(connection: Connection, at: number, i: number, most: number): Promise<number> {
  const length = Math.min(SIZES[i % SIZES.length] ?? 1, most)
  if (!connection.write(Uint8Array.from(countingAt(at, length)))) await drained(connection)
  return length
}

/** Reads until the other side has ended. @returns how many bytes came, all of them right */
export function receiveCountingToEnd(
  connection: Connection,
  onprogress: (received: number) => void = () => {}
): Promise<number> {
  let come = 0
  const all = new Promise<number>((resolve) => connection.once('end', () => resolve(come)))
  const wrong = receiveCounting(connection, Infinity, (received) => onprogress((come = received)))
  return Promise.race([all, wrong.then((at) => Promise.reject(new Error(`byte ${at} is wrong`)))])
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
