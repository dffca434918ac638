import { cp, readdir, rm } from 'node:fs/promises'
import { testCleanup, tmpDir } from '@cloudpal/test-kit'
import Corestore from 'corestore'
import DeviceFile from 'device-file'
import { MultiBee, type MultiBeeOptions } from '../../src/index.ts'

/** A device whose files can be copied, put back and thrown away, as happens to disks. */
export class DiskDevice {
  readonly directory: string
  readonly options: MultiBeeOptions
  #store: Corestore | null = null
  #db: MultiBee | null = null

  private constructor(directory: string, options: MultiBeeOptions) {
    this.directory = directory
    this.options = options
    testCleanup().defer('stream', () => this.close())
  }

  static async create(options: MultiBeeOptions = {}): Promise<DiskDevice> {
    return new DiskDevice(await tmpDir(), options)
  }

  get db(): MultiBee {
    if (this.#db === null) throw new Error('the device is off')
    return this.#db
  }

  get store(): Corestore {
    if (this.#store === null) throw new Error('the device is off')
    return this.#store
  }

  /** @param allowBackup - as an app passes it that knows that its files were restored */
  async open(allowBackup = false): Promise<MultiBee> {
    this.#store = new Corestore(this.directory, { allowBackup })
    this.#db = new MultiBee(this.#store, this.options)
    await this.#db.ready()
    return this.#db
  }

  async close(): Promise<void> {
    await this.#db?.close()
    await this.#store?.close()
    this.#db = null
    this.#store = null
  }

  /** A second device with a copy of this one's files, which is off. */
  async copy(): Promise<DiskDevice> {
    const copy = new DiskDevice(await tmpDir(), this.options)
    await cp(this.directory, copy.directory, { recursive: true })
    return copy
  }

  /** Makes its files look as if they had never been anywhere else: what a snapshot of a whole virtual machine does. */
  async looksUntouched(): Promise<void> {
    for (const name of await readdir(this.directory)) {
      if (!name.endsWith('.device')) continue
      const path = `${this.directory}/${name}`
      await rm(path)
      const file = new DeviceFile(path)
      await file.ready()
      await file.close()
    }
  }
}
