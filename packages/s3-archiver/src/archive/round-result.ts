import type { S3ArchiverError } from '../errors.ts'

/** Blocks that the archive lacks of a core, because the core lacks them. */
interface Gap {
  key: Uint8Array
  blocks: number
}

/** What a round has done. */
export interface RoundResult {
  /** Of the commit; `null` when there was nothing to be archived. */
  seq: number | null
  /** Keys of the cores that were archived. */
  cores: Uint8Array[]
  blocks: number
  bytes: number
  gaps: Gap[]
  /** Cores of which there is more to be archived. */
  left: Uint8Array[]
  /** Cores that could not be archived, and why. */
  failures: { key: Uint8Array; error: S3ArchiverError }[]
}
