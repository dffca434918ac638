import b4a from 'b4a'
import DeviceFile from 'device-file'

/**
 * Where a mark stands: beside the store's files, or beside the view when the store does not say where it is.
 *
 * @param name - 16 random bytes. A mark that a crash left half made looks like a copied one, so the next attempt needs another place
 */
export function markPath(directory: string, name: Uint8Array): string {
  return `${directory}/multi-bee-${b4a.toString(name, 'hex')}.device`
}

/** Marks that a log is written on this device, in this place. */
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
