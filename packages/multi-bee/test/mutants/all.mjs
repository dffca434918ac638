import { clockMutants } from './clock.mjs'
import { epochMutants } from './epochs.mjs'
import { engineMutants } from './engine.mjs'
import { logMutants } from './log.mjs'
import { membershipMutants } from './membership.mjs'
import { mergeMutants } from './merge.mjs'
import { predecessorMutants } from './predecessor.mjs'
import { viewMutants } from './view.mjs'

/** @type {import('./all.mjs').Mutant[]} */
export const mutants = [
  ...predecessorMutants,
  ...mergeMutants,
  ...clockMutants,
  ...logMutants,
  ...membershipMutants,
  ...engineMutants,
  ...epochMutants,
  ...viewMutants
]
