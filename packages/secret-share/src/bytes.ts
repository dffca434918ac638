/**
 * One copy of all parts in memory of its own: not in the pool that small Buffers share, where a secret would lie beside whatever else the app
 * makes.
 */
export function concat(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0))
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}
