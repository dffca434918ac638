import b4a from 'b4a'

/**
 * Bytes that stay for a while: a copy where the view holds much more memory than it shows, as what comes off a socket does.
 *
 * @param most - how many times their length they may hold
 */
export function keptBytes(bytes: Uint8Array, most = 2): Uint8Array {
  if (bytes.byteLength * most >= bytes.buffer.byteLength) return bytes
  // Not b4a.from: what is small would be a view of Node's pool.
  const copy = b4a.alloc(bytes.byteLength)
  copy.set(bytes)
  return copy
}
