// The work that is measured, with whatever build of the package: in Node and in a browser.

const SECRET = Uint8Array.from({ length: 32 }, (_, i) => i)

/**
 * What a person waits for, by metric.
 *
 * @param {typeof import('@cloudpal/secret-share')} api
 * @returns {Record<string, () => unknown>}
 */
export function dealing({ combine, dealerKeyPair, holderKeyPair, sealShare, split, verifyShare }) {
  const dealer = dealerKeyPair()
  const holders = Array.from({ length: 5 }, (_, i) => ({
    name: `friend ${i}`,
    publicKey: holderKeyPair().publicKey
  }))
  const deal = () => split(SECRET, { threshold: 3, holders, label: 'cloud', dealer })
  const { sheet, shares } = deal()
  const bytes = shares.map(({ share }) => share.toBytes())
  return {
    'split-seal-5': () => {
      for (const { holder, share } of deal().shares) sealShare(share, holder.publicKey ?? SECRET)
    },
    'split-5': deal,
    'combine-3': () => combine(bytes.slice(0, 3)),
    verify: () => verifyShare(bytes[0] ?? SECRET, sheet)
  }
}

/**
 * How long each takes, in ms: all of so many calls, after some that do not count.
 *
 * @param {Record<string, () => unknown>} work
 * @param {number} warm
 * @param {number} rounds
 * @returns {Record<string, number[]>}
 */
export function timed(work, warm, rounds) {
  return Object.fromEntries(
    Object.entries(work).map(([name, run]) => {
      const times = Array.from({ length: warm + rounds }, () => {
        const started = performance.now()
        run()
        return performance.now() - started
      })
      return [name, times.slice(warm)]
    })
  )
}
