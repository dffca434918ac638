import { open, readFile, rename } from '#fs'

/**
 * The epoch of a new life of this relay, higher than that of each before: the time, or one more than the last where the clock is behind that. A machine without a clock of its own may
 * start before it has asked for the time.
 *
 * @param file - holds the last one; is replaced whole
 * @param now - milliseconds since 1970
 * @returns `leastEpoch` where nothing can be written, as on a full disk: a later life may begin with the same one, until its clock is set
 */
export async function nextEpoch(
  file: string,
  now: number
): Promise<{ epoch: number } | { leastEpoch: number }> {
  const text = await readFile(file, 'utf8').catch(() => '')
  const last = /^\d{1,16}\s*$/.test(text) ? Number(text) : 0
  const epoch = Math.min(Math.max(now, last + 1), Number.MAX_SAFE_INTEGER)
  const isKept = await keep(file, `${epoch}\n`).then(
    () => true,
    () => false
  )
  return isKept ? { epoch } : { leastEpoch: epoch }
}

async function keep(file: string, text: string): Promise<void> {
  const beside = `${file}.new`
  const handle = await open(beside, 'w')
  try {
    await handle.writeFile(text)
    await handle.sync()
  } finally {
    await handle.close()
  }
  await rename(beside, file)
}
