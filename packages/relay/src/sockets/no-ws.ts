import { RelayError } from '../errors.ts'

/** In place of that of `ws`, on Bare: there relays are reached over TCP. Called with `new`. */
export function WebSocket(): never {
  throw new RelayError('RELAY_BAD_ARGUMENT', 'on Bare a relay needs a tcp address')
}
