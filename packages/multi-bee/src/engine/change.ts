import type { Register } from '../merge/register.ts'

/** A key whose record changed, for those who watch. */
export interface Change {
  key: Uint8Array
  register: Register
}
