// Bundled and run in a browser by browser.test.ts.
import * as api from '../../src/index.ts'
import * as qr from '../../src/qr/index.ts'
import { checkVectors, makeVectors, same } from '../vectors/make.mjs'

/** @param {ReturnType<typeof makeVectors> & { sealed: string }} vectors */
function run(vectors) {
  const { sealed, ...expected } = vectors
  same('vectors', makeVectors(api), expected)
  checkVectors(api, { ...expected, sealed })
  const share = api.verifyShare(vectors.text)
  document.body.innerHTML = qr.qrToSvg(share)
  return { modules: qr.qrModules(share).length, drawn: document.querySelectorAll('svg path').length }
}

Object.assign(globalThis, { run })
