import { refusal } from '../protocol/refusal.ts'
import { RecordShelf, type RecordShelfOptions } from '../records/record-shelf.ts'
import type { DeviceConnection, RecordMessage } from './device-connection.ts'

/** Where devices leave their records, and ask for those of others. */
export class RecordDesk {
  readonly #shelf: RecordShelf

  constructor(options: RecordShelfOptions) {
    this.#shelf = new RecordShelf(options)
  }

  /** A device that is registered, or another replica, has said something about records. */
  serve(connection: DeviceConnection, message: RecordMessage): void {
    const { lease } = connection
    if (lease === null) return
    if (message.type === 'lookup') {
      const record = this.#shelf.get(message.target)?.bytes ?? new Uint8Array(0)
      return connection.send({ type: 'found', target: message.target, record })
    }
    try {
      this.#shelf.put(message.record, lease.device)
    } catch {
      connection.refuse(refusal('RELAY_PROTOCOL'))
    }
  }

  sweep(): void {
    this.#shelf.sweep()
  }
}
