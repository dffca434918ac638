// Bundled and run in a browser by browser.test.ts.
import * as api from '../../src/index.ts'
import * as qr from '../../src/qr/index.ts'
import { fuzzAnywhere } from '../fuzz/portable.ts'
import { checkVectors, fromHex, makeVectors, same, toHex } from '../vectors/make.mjs'

/** @param {ReturnType<typeof makeVectors> & import('../vectors/make.mjs').Pinned} vectors */
function run(vectors) {
  const { sealed, forged, help, saved } = vectors
  same('vectors', { ...makeVectors(api), sealed, forged, help, saved }, vectors)
  checkVectors(api, vectors)
  const share = api.verifyShare(vectors.text)
  document.body.innerHTML = qr.qrToSvg(share)
  const modules = qr.qrModules(share).length
  const drawn = document.querySelectorAll('svg path').length
  return { modules, drawn, sealed: toHex(api.sealShare(share, fromHex(vectors.holder))) }
}

Object.assign(globalThis, { fuzz: () => fuzzAnywhere(1_000, 2), run })
