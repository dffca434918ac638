// Bundled and run in Chromium.
import * as api from '@cloudpal/secret-share'
import { dealing, timed } from './dealing.mjs'

Object.assign(globalThis, {
  measure: (/** @type {number} */ warm, /** @type {number} */ rounds) => timed(dealing(api), warm, rounds)
})
