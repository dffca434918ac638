/**
 * My devices always find and reach each other: directly, else through a relay of my own, which cannot read what they say.
 *
 * @packageDocumentation
 */
export { type ConnectOptions, RelayClient } from './client/relay-client.ts'
export type { ClientTimes, RelayAddress, RelayClientEvents, RelayClientOptions } from './client/options.ts'
export { RelayError, type RelayErrorCode, type RelayErrorOptions } from './errors.ts'
export type { PathInfo, PathKind } from './paths/path.ts'
export {
  ALL_SCOPES,
  createGrant,
  type Grant,
  GRANT_BYTES,
  type GrantOptions,
  readGrant,
  SCOPE
} from './policy/grant.ts'
export type { SessionTimes } from './session/times.ts'
export type { Connection, ConnectionEvents, KeyPair } from './types.ts'
