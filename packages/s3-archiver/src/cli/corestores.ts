import { stat } from '#fs'
import { join } from '#path'
import Corestore from 'corestore'
import { S3ArchiverError } from '../errors.ts'

/** Of a Corestore in a directory there is one of these, by the version that has made it. */
const SIGNS: readonly string[] = ['CORESTORE', 'db/CURRENT', 'primary-key']

/** Opens a Corestore; one that is not there is begun. @throws S3ArchiverError `S3_ARCHIVER_LOCAL_FAILED` */
export async function openCorestore(directory: string): Promise<Corestore> {
  const corestore = new Corestore(directory)
  try {
    await corestore.ready()
    return corestore
  } catch (cause) {
    await corestore.close().catch(() => {})
    const help = `the Corestore ${directory} cannot be opened; when another program has it open, end that first`
    throw new S3ArchiverError('S3_ARCHIVER_LOCAL_FAILED', help, { cause })
  }
}

/** Opens a Corestore that is there. @throws S3ArchiverError `S3_ARCHIVER_LOCAL_FAILED` */
export async function openOldCorestore(directory: string): Promise<Corestore> {
  const signs = await Promise.all(SIGNS.map((sign) => isThere(join(directory, sign))))
  if (signs.includes(true)) return openCorestore(directory)
  throw new S3ArchiverError('S3_ARCHIVER_LOCAL_FAILED', `there is no Corestore in ${directory}`)
}

async function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false
  )
}
