export { RelayError, type RelayErrorCode } from './errors.ts'
