/**
 * Which device is at the other end of a connection, over Protomux.
 *
 * @packageDocumentation
 */
export { Authenticator, type AuthenticatorOptions, type Refusal } from './authenticator.ts'
export type { ConnectionLike } from './connection.ts'
