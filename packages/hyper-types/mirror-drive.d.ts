// mirror-drive 1.14.2
declare module 'mirror-drive' {
  export default class MirrorDrive {
    constructor(source: object, destination: object, options?: { prune?: boolean })

    readonly count: { files: number; add: number; remove: number; change: number }

    done(): Promise<void>
  }
}
