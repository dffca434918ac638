import { execFile, execFileSync } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3'
import { S3Store, type S3StoreOptions } from '../../src/s3/index.ts'

const here = import.meta.dirname
export const CREDENTIALS: Credentials = {
  accessKeyId: 'TESTKEY',
  secretAccessKey: 'TESTSECRETTESTSECRET'
}

interface Credentials {
  accessKeyId: string
  secretAccessKey: string
}

/** Whether Ceph is installed; says so when it is not. CI demands it: `REQUIRE_CEPH=1`. */
export function hasCeph(): boolean {
  if (process.env['REQUIRE_CEPH'] === '1') return true
  try {
    execFileSync('radosgw', ['--version'], { stdio: 'ignore' })
    return true
  } catch {
    const packages = 'ceph-mon ceph-osd ceph-mgr radosgw'
    console.warn(
      `Skipped: tests on S3. Ceph is not installed here: apt-get install --no-install-recommends ${packages}`
    )
    return false
  }
}

/** A Ceph cluster of this test's own. */
export class Cluster {
  readonly endpoint: string
  readonly #directory: string
  readonly #port: number

  private constructor(directory: string, port: number) {
    this.#directory = directory
    this.#port = port
    this.endpoint = `http://127.0.0.1:${port}`
  }

  static async start(): Promise<Cluster> {
    const directory = await mkdtemp(join(tmpdir(), 'ceph-'))
    const cluster = new Cluster(directory, await freePorts())
    try {
      await promisify(execFile)(join(here, 'start.sh'), [directory, `${cluster.#port}`])
      return cluster
    } catch (error) {
      await cluster.stop()
      throw error
    }
  }

  /** A store in a bucket of its own. */
  async bucket(name: string, options: Partial<S3StoreOptions> = {}): Promise<S3Store> {
    const client = new S3Client({
      region: 'us-east-1',
      endpoint: this.endpoint,
      forcePathStyle: true,
      credentials: CREDENTIALS
    })
    await client.send(new CreateBucketCommand({ Bucket: name }))
    client.destroy()
    return this.open(name, options)
  }

  open(bucket: string, options: Partial<S3StoreOptions> = {}): S3Store {
    return new S3Store({ bucket, endpoint: this.endpoint, credentials: CREDENTIALS, ...options })
  }

  /** Somebody else, who may do nothing with the buckets that there are. */
  async addUser(name: string): Promise<Credentials> {
    const credentials = { accessKeyId: name.toUpperCase(), secretAccessKey: `SECRET-OF-${name}` }
    const keys = ['--access-key', credentials.accessKeyId, '--secret-key', credentials.secretAccessKey]
    const config = join(this.#directory, 'ceph.conf')
    const command = ['-c', config, 'user', 'create', '--uid', name, '--display-name', name, ...keys]
    await promisify(execFile)('radosgw-admin', command)
    return credentials
  }

  /** As if the machine of the gateway had lost its power; the objects are elsewhere. */
  async killGateway(): Promise<void> {
    await this.#kill('rgw.pid')
  }

  async startGateway(): Promise<void> {
    await promisify(execFile)(join(here, 'gateway.sh'), [this.#directory, `${this.#port}`])
  }

  async stop(): Promise<void> {
    for (const name of await readdir(this.#directory)) if (name.endsWith('.pid')) await this.#kill(name)
    await rm(this.#directory, { recursive: true, force: true, maxRetries: 5 })
  }

  async #kill(name: string): Promise<void> {
    const pid = Number(await readFile(join(this.#directory, name), 'utf8'))
    try {
      process.kill(pid, 'SIGKILL')
    } catch {
      // It has ended by itself.
    }
  }
}

/** The first of three ports in a row that nobody uses now. */
async function freePorts(): Promise<number> {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 10_000)
    const free = await Promise.all([0, 1, 2].map((i) => isFree(port + i)))
    if (free.every(Boolean)) return port
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}
