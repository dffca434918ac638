// The table in packages/s3-archiver/README.md: `npm run bench -- s3-archiver --markdown`.

/** @type {import('../harness/suite.mjs').Suite['summary']} */
export const summary = {
  keys: [10_000, 100_000, 1_000_000],
  subjects: ['directory', 'ceph'],
  rows: [
    {
      label: 'cold lookup in 100k entries, requests: p50 / p99',
      metrics: ['lookup-requests-p50', 'lookup-requests-p99']
    },
    { label: '– bytes: p50 / most', metrics: ['lookup-bytes-p50', 'lookup-bytes-max'] },
    {
      label: '– put in no order, requests: p50 / p99 / most of a range of 100',
      metrics: ['unordered-requests-p50', 'unordered-requests-p99', 'unordered-range-100-requests-max']
    },
    { label: '– ms, and with 40 ms a request', metrics: ['lookup-ms-p50', 'lookup-40ms-p50'] },
    {
      label: '– without the read pack: requests / bytes / ms with 40 ms a request',
      metrics: ['naive-requests-p50', 'naive-bytes-p50', 'naive-40ms-p50']
    },
    {
      label: '– by a download of all: requests / bytes / ms',
      metrics: ['download-requests', 'download-bytes', 'download-ms']
    },
    { label: 'the same lookup again, requests', metrics: ['warm-requests'] },
    {
      label: 'cold range of 100, requests: p50 / most',
      metrics: ['range-100-requests-p50', 'range-100-requests-max']
    },
    {
      label: 'cold lookup in 1M entries, requests: p50 / p99',
      metrics: ['lookup-requests-p50-1m', 'lookup-requests-p99-1m']
    },
    { label: '– bytes: p50 / most', metrics: ['lookup-bytes-p50-1m', 'lookup-bytes-max-1m'] },
    { label: 'from a write to the store, ms', metrics: ['rpo'] },
    { label: 'one changed core of 1,000, requests', metrics: ['one-of-1000-requests'] },
    {
      label: 'bytes beyond the blocks, %: blocks of 4 KiB / 200 B',
      metrics: ['overhead-4k', 'overhead-200']
    },
    { label: 'restore, blocks/s: 4 KiB / 200 B', metrics: ['restore-4k', 'restore-200'] },
    { label: '– append of the same blocks, blocks/s', metrics: ['append-4k', 'append-200'] },
    { label: '– memory, of 1 GB, MB', metrics: ['restore-memory-4k-1m', 'restore-memory-200-1m'] },
    {
      label: 'stored / live after 10,000 writes of 4 KiB, each archived: at once / pruned two days later',
      metrics: ['churn-stored', 'churn-pruned']
    },
    { label: 'two writers of one object, 10,000 times: not exactly one winner', metrics: ['races-wrong'] }
  ]
}
