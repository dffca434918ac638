// device-file 2.3.1
declare module 'device-file' {
  /** A file that tells whether it is where it was made: its inode, its times, and an extended attribute are in it. */
  export default class DeviceFile {
    constructor(
      filename: string,
      options?: { create?: boolean; wait?: boolean; lock?: boolean; data?: Record<string, string | null> }
    )

    readonly filename: string
    /** Fails with code `DEVICE_FILE`; `fatal` when the file is not what it was. */
    ready(): Promise<void>
    close(): Promise<void>
  }
}
