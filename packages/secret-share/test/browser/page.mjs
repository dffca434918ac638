// Bundled and run in a browser by browser.test.ts.
import * as api from '../../src/index.ts'
import * as qr from '../../src/qr/index.ts'
import { checkVectors, makeVectors, same } from '../vectors/make.mjs'

/** @param {ReturnType<typeof makeVectors> & { sealed: string, forged: string }} vectors */
function run(vectors) {
  const { sealed, forged } = vectors
  same('vectors', { ...makeVectors(api), sealed, forged }, vectors)
  checkVectors(api, vectors)
  const share = api.verifyShare(vectors.text)
  document.body.innerHTML = qr.qrToSvg(share)
  return { modules: qr.qrModules(share).length, drawn: document.querySelectorAll('svg path').length }
}

Object.assign(globalThis, { run })
