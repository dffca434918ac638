import { convergeBatch, convergeSingle } from './metrics/converge.mjs'
import { filled } from './metrics/filled.mjs'
import { joinBatch, joinSingle } from './metrics/join.mjs'
import { mergeObject } from './metrics/merge-object.mjs'
import { putAwaited, putInflight } from './metrics/puts.mjs'
import { replicateSingle } from './metrics/replicate.mjs'
import { reach } from './reach.mjs'
import { summary } from './summary.mjs'

/** @type {import('../harness/suite.mjs').Suite} */
export const suite = {
  name: 'multi-bee',
  subjects: ['multi-bee', 'hyperbee', 'autobase', 'autobase-defaults', 'hypercore'],
  // Takes minutes; autobase with `bigBatches` is the faster one.
  optional: ['autobase-defaults'],
  scenarios: [
    putAwaited,
    putInflight,
    filled,
    convergeSingle,
    convergeBatch,
    replicateSingle,
    mergeObject,
    joinSingle,
    joinBatch
  ],
  reach,
  summary
}
