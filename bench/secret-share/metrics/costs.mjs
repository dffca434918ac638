// What a person waits for: dealing to five holders, combining three shares, checking one.
import { median } from '../../harness/median.mjs'
import { milliseconds } from '../../harness/stopwatch.mjs'

/** @typedef {import('../../harness/suite.mjs').StepInput} StepInput */

const WARM = 20
const ROUNDS = 300
const SECRET = Uint8Array.from({ length: 32 }, (_, i) => i)

/** @type {import('../../harness/suite.mjs').Scenario} */
export const costs = {
  module: import.meta.url,
  metrics: [
    { name: 'split-seal-5', unit: 'ms', sizes: ['small'] },
    { name: 'split-5', unit: 'ms', sizes: ['small'] },
    { name: 'combine-3', unit: 'ms', sizes: ['small'] },
    { name: 'verify', unit: 'ms', sizes: ['small'] }
  ],
  subjects: { 'secret-share': ['small'], 'shamir-secret-sharing': ['small'] },
  measure: async ({ subject, step }) =>
    (await step(subject === 'secret-share' ? 'secretShare' : 'bareSharing')).values
}

export const steps = {
  async secretShare() {
    const { combine, dealerKeyPair, holderKeyPair, sealShare, split, verifyShare } =
      await import('@cloudpal/secret-share')
    const dealer = dealerKeyPair()
    const holders = Array.from({ length: 5 }, (_, i) => ({
      name: `friend ${i}`,
      publicKey: holderKeyPair().publicKey
    }))
    const deal = () => split(SECRET, { threshold: 3, holders, label: 'cloud', dealer })
    const { sheet, shares } = deal()
    const bytes = shares.map(({ share }) => share.toBytes())
    const [first] = bytes
    if (first === undefined) throw new Error('no shares')
    return {
      'split-seal-5': await typical(() => {
        for (const { holder, share } of deal().shares) sealShare(share, holder.publicKey ?? SECRET)
      }),
      'split-5': await typical(deal),
      'combine-3': await typical(() => combine(bytes.slice(0, 3))),
      verify: await typical(() => verifyShare(first, sheet))
    }
  },

  /** The same field, without signatures, sealing or a drill: a wrong share gives a wrong secret. */
  async bareSharing() {
    const { combine, split } = await import('shamir-secret-sharing')
    const shares = await split(SECRET, 5, 3)
    return {
      'split-5': await typical(() => split(SECRET, 5, 3)),
      'combine-3': await typical(() => combine(shares.slice(0, 3)))
    }
  }
}

/**
 * The median of many, in ms.
 *
 * @param {() => unknown} run
 */
async function typical(run) {
  const times = []
  for (let round = 0; round < WARM + ROUNDS; round++) {
    const took = await milliseconds(async () => run())
    if (round >= WARM) times.push(took)
  }
  return median(times)
}
