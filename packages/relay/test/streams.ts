import type { Connection } from '../src/index.ts'

/** Sends counting bytes in chunks of changing sizes, as fast as the connection takes them. */
export async function sendCounting(connection: Connection, total: number): Promise<void> {
  const sizes = [1, 700, 65_000, 16_384, 200_000]
  for (let at = 0, i = 0; at < total; i++) {
    const length = Math.min(sizes[i % sizes.length] ?? 1, total - at)
    const start = at
    const chunk = Uint8Array.from({ length }, (_, j) => (start + j) % 251)
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
      for (const byte of data) if (byte !== at++ % 251) return resolve(at - 1)
      onprogress(at)
      if (at === total) resolve(-1)
    })
    connection.once('close', () => reject(new Error(`closed after ${at} of ${total} bytes`)))
  })
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
