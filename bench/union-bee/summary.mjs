// The table in packages/union-bee/README.md: `npm run bench -- union-bee --markdown`.

/** @param {string} metric */
const withRatio = (metric) => [metric, `${metric}-of-plain`]

/** @type {import('../harness/suite.mjs').Suite['summary']} */
export const summary = {
  keys: [10_000, 100_000, 1_000_000],
  subjects: ['union-bee', 'sorted-union-stream', 'leveldb-style'],
  rows: [
    { label: 'scan of 2 sources, entries /s / x plain', metrics: withRatio('scan-2') },
    { label: 'scan of 8 sources', metrics: withRatio('scan-8') },
    { label: 'scan of 64 sources', metrics: withRatio('scan-64') },
    { label: 'get, hit in the first of two, p50 µs / x plain', metrics: withRatio('get-first') },
    { label: 'get, hit in the second', metrics: withRatio('get-second') },
    { label: 'get, hit in the second, a filter on the first', metrics: withRatio('get-second-filtered') },
    { label: 'awaited put to an overlay, ms / x plain', metrics: withRatio('put-overlay') },
    { label: 'first entry over 3 sources of 100k, p50 µs / x plain', metrics: withRatio('first-entry') },
    {
      label: 'first entry over 3 sources of 1m',
      metrics: ['first-entry-1m', 'first-entry-of-plain-1m']
    },
    { label: 'read of a 200 MB file, MB/s / x plain', metrics: withRatio('drive-read') }
  ]
}
