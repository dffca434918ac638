/**
 * Which device is at the other end of a connection, over Protomux.
 *
 * @packageDocumentation
 */
export { Authenticator } from './authenticator.ts'
export type { ConnectionLike } from './connection.ts'
export type { AuthenticatorOptions, Refusal } from './types.ts'
