// Runs the built package under Bare: `bare test/bare/smoke.mjs`. Prints one line; exits non-zero on failure.
import Protomux from 'protomux'
import * as api from '../../dist/index.js'
import { meet } from '../../dist/protomux/index.js'
import { qrToSvg, qrToTerminal, recoverySheet } from '../../dist/qr/index.js'
import { checkVectors, makeVectors, same } from '../vectors/make.mjs'
import vectors from '../vectors/v1.json' with { type: 'json' }

/* global Bare */

try {
  const { sealed, forged, help, saved } = vectors
  same('vectors', { ...makeVectors(api), sealed, forged, help, saved }, vectors)
  checkVectors(api, vectors)
  const share = api.verifyShare(vectors.text)
  const modules = qrToTerminal(share).length + qrToSvg(share).length
  same('QR', modules > 10_000, true)
  same('sheet', recoverySheet(share, { owner: 'Ada', holder: 'Ann', date: 'today' }).includes('svg'), true)
  same('protomux', [typeof meet, typeof Protomux.from], ['function', 'function'])
  console.log('secret-share on Bare: wrote and read the vectors, split, sealed, recovered and drew codes')
} catch (error) {
  console.error(error)
  Bare.exitCode = 1
}
