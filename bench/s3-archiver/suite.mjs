import { lookups, unordered } from './scenarios/lookups.mjs'
import { blocks200, blocks4k } from './scenarios/sizes.mjs'
import { churn, races, writing } from './scenarios/writing.mjs'
import { reach } from './reach.mjs'
import { subjects } from './stores.mjs'
import { summary } from './summary.mjs'

/** @type {import('../harness/suite.mjs').Suite} */
export const suite = {
  name: 's3-archiver',
  subjects: subjects(),
  optional: [],
  scenarios: [lookups, unordered, blocks4k, blocks200, writing, churn, races],
  reach,
  summary
}
