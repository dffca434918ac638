import { drive } from './metrics/drive.mjs'
import { firstEntry } from './metrics/first-entry.mjs'
import { gets } from './metrics/gets.mjs'
import { overlay } from './metrics/overlay.mjs'
import { scans } from './metrics/scans.mjs'
import { reach } from './reach.mjs'
import { summary } from './summary.mjs'

/** @type {import('../harness/suite.mjs').Suite} */
export const suite = {
  name: 'union-bee',
  subjects: ['union-bee', 'sorted-union-stream', 'leveldb-style'],
  optional: [],
  scenarios: [scans, gets, overlay, firstEntry, drive],
  reach,
  summary
}
