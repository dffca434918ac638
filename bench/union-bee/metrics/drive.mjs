// One large file, read from its beginning to its end: of a drive, and of a union in which the drive is the lower one.
import { UnionDrive } from '@cloudpal/union-bee'
import Corestore from 'corestore'
import Hyperdrive from 'hyperdrive'
import { milliseconds } from '../../harness/stopwatch.mjs'
import { beside } from '../beside.mjs'

const MEGABYTES = 200
const ROUNDS = 6

/** @type {import('../../harness/suite.mjs').Scenario} */
export const drive = {
  module: import.meta.url,
  metrics: [
    { name: 'drive-read', unit: 'MB/s' },
    { name: 'drive-read-of-plain', unit: 'x' }
  ],
  subjects: { 'union-bee': ['small'] },
  measure: async ({ step }) => {
    const { ours = NaN, ratio = NaN } = (await step('read')).values
    return { 'drive-read': ours, 'drive-read-of-plain': ratio }
  }
}

export const steps = {
  /** @param {import('../../harness/suite.mjs').StepInput} input */
  async read({ dir }) {
    const store = new Corestore(dir)
    const plain = new Hyperdrive(store.namespace('lower'))
    await writeFile(plain)
    const union = new UnionDrive([new Hyperdrive(store.namespace('upper')), plain])
    const result = await beside({
      ours: () => readRate(union),
      plain: () => readRate(plain),
      rounds: ROUNDS
    })
    await store.close()
    return result
  }
}

/**
 * @param {{ createReadStream(name: string): AsyncIterable<Uint8Array> }} source
 * @returns MB/s
 */
async function readRate(source) {
  let bytes = 0
  const ms = await milliseconds(async () => {
    for await (const data of source.createReadStream('/file')) bytes += data.length
  })
  if (bytes !== MEGABYTES * 1e6) throw new Error(`${bytes} bytes came`)
  return (MEGABYTES / ms) * 1000
}

/** @param {Hyperdrive} drive */
async function writeFile(drive) {
  const stream = drive.createWriteStream('/file')
  const closed = new Promise((resolve) => stream.on('close', () => resolve(null)))
  /** @type {(() => void) | null} */
  let drained = null
  stream.on('drain', () => drained?.())
  for (let i = 0; i < MEGABYTES; i++) {
    if (!stream.write(new Uint8Array(1e6).fill(i)))
      await new Promise((resolve) => (drained = () => resolve(null)))
  }
  stream.end()
  await closed
}
