import { convergeBatch, convergeSingle } from './metrics/converge.mjs'
import { filled, storeOpen } from './metrics/filled.mjs'
import { putAwaited, putInflight } from './metrics/puts.mjs'
import { replicateSingle } from './metrics/replicate.mjs'
import { reach } from './reach.mjs'

/** @type {import('../harness/suite.mjs').Suite} */
export const suite = {
  name: 'multi-bee',
  subjects: ['multi-bee', 'hyperbee', 'autobase', 'autobase-big-batches', 'hypercore'],
  scenarios: [putAwaited, putInflight, filled, storeOpen, convergeSingle, convergeBatch, replicateSingle],
  reach
}
