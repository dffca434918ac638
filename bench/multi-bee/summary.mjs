// The table in packages/multi-bee/README.md: `npm run bench -- --markdown`.

/** @type {import('../harness/suite.mjs').Suite['summary']} */
export const summary = {
  keys: [10_000, 100_000, 1_000_000],
  subjects: ['multi-bee', 'hyperbee', 'autobase', 'hypercore'],
  rows: [
    { label: 'awaited puts /s: 10k / 100k keys', metrics: ['put-awaited', 'put-awaited-100k'] },
    { label: '100 puts in flight /s', metrics: ['put-inflight-100'] },
    { label: 'batches of 1,000 into 100k keys, entries /s', metrics: ['batch-1000'] },
    {
      label: 'get at 100k keys, p50: warm / right after open, µs',
      metrics: ['get-p50', 'get-p50-after-open']
    },
    {
      label: 'get at 100k keys, p99: warm / right after open, µs',
      metrics: ['get-p99', 'get-p99-after-open']
    },
    {
      label: 'scan of 100k keys: warm / right after open, entries /s',
      metrics: ['scan-100k', 'scan-after-open-100k']
    },
    {
      label: 'scan of 10k keys: warm / right after open, entries /s',
      metrics: ['scan', 'scan-after-open']
    },
    { label: 'open and first get: 10k / 100k keys, ms', metrics: ['cold-open-10k', 'cold-open-100k'] },
    { label: 'open and first get: 1M keys, ms', metrics: ['cold-open-1m'] },
    { label: 'load of 1M keys, entries /s', metrics: ['load-1m'] },
    { label: 'disk, settled, B/entry: 10k / 100k keys', metrics: ['settled-bytes', 'settled-bytes-100k'] },
    { label: '– of it log / view, at 100k', metrics: ['settled-bytes-log-100k', 'settled-bytes-view-100k'] },
    { label: '– written by single puts, 10k', metrics: ['settled-bytes-single'] },
    { label: 'peak memory: load of 100k, MB', metrics: ['peak-memory'] },
    { label: 'peak memory: load of 1M, MB', metrics: ['peak-memory-1m'] },
    { label: '2 × 10k single puts until equal, ms', metrics: ['converge-single'] },
    { label: '– the same blocks, only replicated, ms', metrics: ['replicate-single'] },
    { label: '2 × 10k puts in batches of 100 until equal, ms', metrics: ['converge-batch'] },
    { label: '2 × 1,000 edits of one object until equal, ms', metrics: ['merge-object'] },
    {
      label: 'a new device joins 100k keys written one by one / in batches, ms',
      metrics: ['join', 'join-batch']
    },
    {
      label: 'on the wire: one changed field of 100k keys / an idle reconnect, B',
      metrics: ['wire-one-field', 'idle-reconnect']
    }
  ]
}
