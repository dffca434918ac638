import type { Transaction } from '../oracle/types.ts'

/** What one device's processes have acknowledged. */
export class Ledger {
  /** Of the values that were put. */
  readonly stamps: string[] = []
  /** Keys of entries that were deleted, each by the only session that ever wrote it. */
  readonly deleted: string[] = []
  #version = 0

  acknowledge({ stamps, deleted, version }: { stamps: string[]; deleted: string[]; version: number }): void {
    this.stamps.push(...stamps)
    this.deleted.push(...deleted)
    this.#version = Math.max(this.#version, version)
  }

  /** @returns what is wrong with the version a device opens at, or null */
  opened(version: number): string | null {
    const before = this.#version
    this.#version = Math.max(before, version)
    return version < before ? `its version went back from ${before} to ${version}` : null
  }

  /** What of it the device's own log does not hold. */
  lost(log: readonly Transaction[]): string[] {
    const operations = log.flatMap((transaction) => transaction.operations)
    const held = new Set(log.flatMap(stampsOf))
    const gone = new Set(
      operations
        .filter(({ type, path }) => type === 'unset' && path.length === 0)
        .map(({ key }) => Buffer.from(key, 'hex').toString())
    )
    return [
      ...this.stamps.filter((stamp) => !held.has(stamp)),
      ...this.deleted.filter((key) => !gone.has(key)).map((key) => `delete of ${key}`)
    ]
  }
}

/** Batches of which a transaction holds a part. */
export function tornBatches(log: readonly Transaction[]): string[] {
  return log.flatMap((transaction) => {
    const found = new Map<string, { parts: number; size: number }>()
    for (const stamp of stampsOf(transaction)) {
      const [, name, size] = /^<(.*):\d+\/(\d+)>$/.exec(stamp) ?? []
      if (name === undefined) continue
      const parts = (found.get(name)?.parts ?? 0) + 1
      found.set(name, { parts, size: Number(size) })
    }
    return [...found]
      .filter(([, { parts, size }]) => parts !== size)
      .map(([name, { parts, size }]) => `batch ${name}: ${parts} of ${size} in one transaction`)
  })
}

function stampsOf({ operations }: Transaction): string[] {
  return operations.flatMap((operation) =>
    operation.type === 'assign' && operation.value.kind === 'document'
      ? (operation.value.text.match(/<[\w.:/]+>/g) ?? [])
      : []
  )
}
