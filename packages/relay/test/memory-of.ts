import { closeSync, openSync, readFileSync, readSync } from 'node:fs'

/** Why the memory of a child cannot be read here; `null` where it can: it is asked with one's own. */
export const whyNoMemory: string | null = lacking()

const CHUNK_BYTES = 4 * 1024 * 1024

function lacking(): string | null {
  if (process.platform !== 'linux') return 'there is no /proc'
  try {
    closeSync(openSync('/proc/self/mem', 'r'))
    return null
  } catch (error) {
    return (error as Error).message
  }
}

/**
 * Searches all that a process of this machine can read itself: heap, stacks, buffers, mapped files. It stands still meanwhile.
 *
 * @returns which of the needles are there, and how many bytes were searched
 */
export function searchMemory(
  pid: number,
  needles: Readonly<Record<string, Buffer>>
): { found: string[]; searched: number } {
  process.kill(pid, 'SIGSTOP')
  const memory = openSync(`/proc/${pid}/mem`, 'r')
  try {
    return searchIn(memory, readFileSync(`/proc/${pid}/maps`, 'utf8'), needles)
  } finally {
    closeSync(memory)
    process.kill(pid, 'SIGCONT')
  }
}

function searchIn(
  memory: number,
  maps: string,
  needles: Readonly<Record<string, Buffer>>
): { found: string[]; searched: number } {
  const found = new Set<string>()
  const overlap = Math.max(...Object.values(needles).map(({ length }) => length)) - 1
  const chunk = Buffer.alloc(CHUNK_BYTES)
  let searched = 0
  for (const [, from = '', to = ''] of maps.matchAll(/^([0-9a-f]+)-([0-9a-f]+) r.*$/gm)) {
    const end = BigInt(`0x${to}`)
    for (let at = BigInt(`0x${from}`); at < end;) {
      const wanted = Number(end - at < BigInt(CHUNK_BYTES) ? end - at : BigInt(CHUNK_BYTES))
      const length = readAt(memory, chunk, wanted, at)
      const read = chunk.subarray(0, length)
      for (const [name, needle] of Object.entries(needles)) if (read.includes(needle)) found.add(name)
      searched += length
      if (length < wanted || length <= overlap || at + BigInt(length) >= end) break
      at += BigInt(length - overlap)
    }
  }
  return { found: [...found].sort(), searched }
}

/** What the kernel keeps to itself in a map (`[vvar]`) is no memory of the process. */
function readAt(memory: number, into: Buffer, length: number, position: bigint): number {
  try {
    return readSync(memory, into, 0, length, position)
  } catch {
    return 0
  }
}
