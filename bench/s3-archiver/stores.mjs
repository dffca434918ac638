// Where archives lie: a directory, and a bucket of a Ceph cluster of this measurement's own.
import { execFile, execFileSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3'
import { FileStore } from '@cloudpal/s3-archiver'
import { S3Store } from '@cloudpal/s3-archiver/s3'

/**
 * @typedef {import('@cloudpal/s3-archiver').ObjectStore} ObjectStore
 * @typedef {import('../harness/suite.mjs').Measuring} Measuring
 * @typedef {import('../harness/suite.mjs').StepInput & { port: number }} StoreInput
 */

const START = fileURLToPath(new URL('../../packages/s3-archiver/test/ceph/start.sh', import.meta.url))
const CREDENTIALS = { accessKeyId: 'TESTKEY', secretAccessKey: 'TESTSECRETTESTSECRET' }
const BUCKET = 'bench'

/** Those that can be measured here. */
export function subjects() {
  return hasCeph() ? ['directory', 'ceph'] : ['directory']
}

/**
 * Measures with a store: of Ceph a cluster is started before, and killed afterwards.
 *
 * @template T
 * @param {Measuring} measuring
 * @param {(step: (name: string) => Promise<Record<string, number>>) => Promise<T>} measure
 */
export async function withStore({ subject, dir, step }, measure) {
  const port = subject === 'ceph' ? await startCeph(join(dir, 'ceph')) : 0
  try {
    return await measure(async (name) => (await step(name, { port })).values)
  } finally {
    if (subject === 'ceph') stopCeph(join(dir, 'ceph'))
  }
}

/**
 * @param {StoreInput} input
 * @returns {ObjectStore}
 */
export function openStore({ subject, dir, port }) {
  if (subject === 'directory') return new FileStore(join(dir, 'archive'))
  return new S3Store({ bucket: BUCKET, endpoint: endpointOf(port), credentials: CREDENTIALS })
}

/**
 * Answers later, as a store that is far away does.
 *
 * @param {ObjectStore} store
 * @param {number} delayMs of each request
 * @returns {ObjectStore}
 */
export function delayed(store, delayMs) {
  const wait = () => new Promise((done) => setTimeout(done, delayMs))
  return {
    readOnly: store.readOnly,
    putIfAbsent: (name, bytes, options) => wait().then(() => store.putIfAbsent(name, bytes, options)),
    getRange: (name, range, options) => wait().then(() => store.getRange(name, range, options)),
    head: (name, options) => wait().then(() => store.head(name, options)),
    delete: (name, options) => wait().then(() => store.delete(name, options)),
    async *list(prefix, options) {
      await wait()
      yield* store.list(prefix, options)
    }
  }
}

function hasCeph() {
  try {
    execFileSync('radosgw', ['--version'], { stdio: 'ignore' })
    return true
  } catch {
    console.error('Ceph is not installed here: only the directory is measured')
    return false
  }
}

/** @param {string} dir */
async function startCeph(dir) {
  const port = 25_000 + Math.floor(Math.random() * 5000)
  mkdirSync(dir, { recursive: true })
  await promisify(execFile)(START, [dir, `${port}`])
  const endpoint = endpointOf(port)
  const client = new S3Client({
    region: 'us-east-1',
    endpoint,
    forcePathStyle: true,
    credentials: CREDENTIALS
  })
  await client.send(new CreateBucketCommand({ Bucket: BUCKET }))
  client.destroy()
  return port
}

/** @param {string} dir */
function stopCeph(dir) {
  for (const name of readdirSync(dir)) {
    if (!name.endsWith('.pid')) continue
    try {
      process.kill(Number(readFileSync(join(dir, name), 'utf8')), 'SIGKILL')
    } catch {
      // It has ended by itself.
    }
  }
}

/** @param {number} port */
function endpointOf(port) {
  return `http://127.0.0.1:${port}`
}
