/**
 * Time stamps of events by services of RFC 3161. Needs `pkijs` and `asn1js` installed.
 *
 * @packageDocumentation
 */
export {
  createTimestampRequest,
  type FetchLike,
  type StampOptions,
  type Timestamp,
  type TimestampRequest,
  Timestamps
} from './timestamps.ts'
