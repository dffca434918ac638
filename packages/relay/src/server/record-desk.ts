import { nameOf } from '../keys.ts'
import { Meter } from '../policy/meter.ts'
import type { Lease, LeaseTerms } from '../policy/lease.ts'
import { refusal } from '../protocol/refusal.ts'
import type { DeviceRecord } from '../records/device-record.ts'
import { RecordShelf, type RecordShelfOptions } from '../records/record-shelf.ts'
import type { DeviceConnection, RecordMessage } from './device-connection.ts'

/** What a {@link RecordDesk} needs of its relay. */
export interface RecordDeskOptions extends RecordShelfOptions {
  /** Whether a device that has left its record would still be served. */
  readonly stands: (terms: LeaseTerms & { readonly device: Uint8Array }) => boolean
}

/** New records of one device, on average and at once: each costs a signature check. A device has a new one when its relays have changed. */
const RECORDS_PER_SECOND = 8

/** Where devices leave their records, and ask for those of others. */
export class RecordDesk {
  readonly #shelf: RecordShelf
  readonly #options: RecordDeskOptions
  /** By what right each was left. */
  readonly #terms = new WeakMap<DeviceRecord, LeaseTerms & { readonly device: Uint8Array }>()
  readonly #paces = new Map<string, { readonly meter: Meter; usedAt: number }>()

  constructor(options: RecordDeskOptions) {
    this.#options = options
    this.#shelf = new RecordShelf(options)
  }

  /** A device that is registered, or another replica, has said something about records. */
  serve(connection: DeviceConnection, message: RecordMessage): void {
    const { lease } = connection
    if (lease === null) return
    if (message.type === 'publish') return this.#put(connection, lease, message.record)
    const record = this.#get(message.target)
    if (lease.spend(record.length) === null) return connection.refuse(refusal('RELAY_QUOTA'))
    return connection.send({ type: 'found', target: message.target, record })
  }

  sweep(): void {
    this.#shelf.sweep()
    const before = this.#options.steady() - 1_000
    for (const [name, { usedAt }] of this.#paces) if (usedAt < before) this.#paces.delete(name)
  }

  #get(target: Uint8Array): Uint8Array {
    const record = this.#shelf.get(target)
    const terms = record === null ? undefined : this.#terms.get(record)
    if (record === null || terms === undefined || !this.#options.stands(terms)) return new Uint8Array(0)
    return record.bytes
  }

  #put(connection: DeviceConnection, lease: Lease, bytes: Uint8Array): void {
    const { device, scopes, expiresAt, grant, issuer } = lease
    const terms = { device, scopes, expiresAt, grant, issuer }
    try {
      // Devices repeat what they have said: that costs no signature check.
      if (!this.#shelf.has(bytes, device)) {
        if (this.#isTooFast(device))
          return connection.refuse(refusal('RELAY_TOO_MANY', { retryAfterMs: 1_000 }))
        if (lease.spend(bytes.length) === null) return connection.refuse(refusal('RELAY_QUOTA'))
        this.#shelf.put(bytes, device)
      }
      const record = this.#shelf.get(device)
      if (record !== null) this.#terms.set(record, terms)
    } catch {
      connection.refuse(refusal('RELAY_PROTOCOL'))
    }
  }

  #isTooFast(device: Uint8Array): boolean {
    const name = nameOf(device)
    const now = this.#options.steady()
    const limits = { bytesPerSecond: RECORDS_PER_SECOND, quotaBytes: 0 }
    const pace = this.#paces.get(name) ?? { meter: new Meter(limits, this.#options.steady), usedAt: now }
    pace.usedAt = now
    this.#paces.set(name, pace)
    return pace.meter.spend(1) !== 0
  }
}
