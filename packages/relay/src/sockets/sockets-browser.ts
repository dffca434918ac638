import { RelayError } from '../errors.ts'
import { BrowserWire, type BrowserSocket } from '../wires/browser-wire.ts'
import { beginWire } from '../wires/failed-wire.ts'
import type { Wire } from '../wires/wire.ts'

export const hasTcp = false

export function dialTcp(): Wire {
  throw noTcp()
}

export function dialWs(url: string): Wire {
  const { WebSocket } = globalThis as unknown as { WebSocket: new (url: string) => BrowserSocket }
  return beginWire('ws', () => new BrowserWire(new WebSocket(url)))
}

export function listenTcp(): Promise<never> {
  return Promise.reject(noTcp())
}

function noTcp(): RelayError {
  return new RelayError(
    'RELAY_BAD_ARGUMENT',
    'a browser has no TCP: give relays a ws address, and listen nowhere'
  )
}
