import b4a from 'b4a'
import type { RelayAddress } from '../addresses/relay-address.ts'
import type { RelayError } from '../errors.ts'
import type { Path } from '../paths/path.ts'
import type { KeyPair } from '../types.ts'
import type { ClientTimes } from './options.ts'
import { Registration } from './registration.ts'

/** What the registrations of a device tell. */
export interface RegistrationsEvents {
  onregistered(relay: Uint8Array): void
  onunregistered(relay: Uint8Array, error: RelayError): void
  onincoming(path: Path): void
  onfound(relay: Uint8Array, target: Uint8Array, record: Uint8Array): void
}

/** Keeps this device registered at each of the relays that its app has named, once at one that it has named with several addresses. */
export class FixedRegistrations {
  readonly #relays: readonly RelayAddress[]
  readonly #keyPair: KeyPair
  readonly #times: ClientTimes
  readonly #events: RegistrationsEvents
  readonly #registrations: Registration[] = []

  constructor(
    relays: readonly RelayAddress[],
    keyPair: KeyPair,
    times: ClientTimes,
    events: RegistrationsEvents
  ) {
    this.#relays = relays
    this.#keyPair = keyPair
    this.#times = times
    this.#events = events
  }

  /** Also again after `close()`. */
  start(): void {
    for (const { publicKey } of this.#relays) {
      const [first, ...others] = this.#relays.filter((one) => b4a.equals(one.publicKey, publicKey))
      const isThere = this.#registrations.some(({ address }) => b4a.equals(address.publicKey, publicKey))
      if (first !== undefined && !isThere) this.#registrations.push(this.#register(first, others))
    }
  }

  close(): void {
    for (const registration of this.#registrations.splice(0)) registration.close()
  }

  networkChanged(): void {
    for (const registration of this.#registrations) registration.networkChanged()
  }

  /** Where this device can be reached now. */
  get registeredAt(): Uint8Array[] {
    return this.#registrations
      .filter(({ registered }) => registered)
      .map(({ address: { publicKey } }) => publicKey)
  }

  get registrations(): readonly Registration[] {
    return this.#registrations
  }

  /** All of them, as a device that is looked for may be at any, in the order of the app. */
  relays(): readonly RelayAddress[] {
    return this.#relays
  }

  #register(address: RelayAddress, others: readonly RelayAddress[]): Registration {
    const { publicKey } = address
    const events = {
      onregistered: () => this.#events.onregistered(publicKey),
      onunregistered: (error: RelayError) => this.#events.onunregistered(publicKey, error),
      onfound: (target: Uint8Array, record: Uint8Array) => this.#events.onfound(publicKey, target, record),
      onincoming: (path: Path) => this.#events.onincoming(path)
    }
    return new Registration(address, this.#keyPair, this.#times, events, { others })
  }
}
