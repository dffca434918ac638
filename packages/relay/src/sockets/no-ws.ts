import { RelayError } from '../errors.ts'

/** In place of `ws` on Bare: there relays are reached over TCP. */
export class WebSocket {
  constructor() {
    throw new RelayError('RELAY_BAD_ARGUMENT', 'on Bare a relay needs a tcp address')
  }
}
