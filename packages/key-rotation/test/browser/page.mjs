// Bundled and run in a browser by browser.test.ts.
import * as api from '../../src/index.ts'
import { checkVectors, makeVectors, same } from '../vectors/make.mjs'

/** @param {ReturnType<typeof makeVectors>} vectors */
function run(vectors) {
  same('vectors', makeVectors(api), vectors)
  checkVectors(api, vectors)
  return vectors.events.length
}

Object.assign(globalThis, { run })
