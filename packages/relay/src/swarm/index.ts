/**
 * A Hyperswarm that also connects through relays: one line in an app that has one.
 *
 * @packageDocumentation
 */
export { attach, type AttachOptions } from './attach.ts'
