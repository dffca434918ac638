import b4a from 'b4a'
import DeviceFile from 'device-file'

/**
 * Where the mark of a log stands: beside the store's files, or beside the view when the store does not say where it is.
 *
 * @param key - of the log
 */
export function markPath(directory: string, key: Uint8Array): string {
  return `${directory}/multi-bee-${b4a.toString(key, 'hex').slice(0, 32)}.device`
}

/** Marks that the log is written on this device, in this place. */
export async function makeMark(path: string): Promise<void> {
  await verify(path, true)
}

/** Whether the mark is where it was made: false when its files were copied, restored or moved to another disk, and when it is gone. */
export async function isMarkIntact(path: string): Promise<boolean> {
  try {
    await verify(path, false)
    return true
  } catch (error) {
    if ((error as { code?: unknown }).code === 'DEVICE_FILE') return false
    throw error
  }
}

async function verify(path: string, create: boolean): Promise<void> {
  const file = new DeviceFile(path, { create })
  try {
    await file.ready()
  } finally {
    await file.close().catch(() => {})
  }
}
