import { nameOf } from '../keys.ts'
import type { ServedDevice } from '../policy/accounts.ts'
import type { ReplicaStatus } from '../replicas/replica-view.ts'

/** What a status page shows. */
export interface Status {
  /** One word, for people. */
  readonly state: string
  /** Milliseconds since the start. */
  readonly upMs: number
  /** Name and number. */
  readonly counts: readonly (readonly [name: string, count: number])[]
  /** Bytes of the last seconds, the oldest first. */
  readonly perSecond: readonly number[]
  readonly devices: readonly ServedDevice[]
  /** The owner's other relays. */
  readonly replicas: readonly Pick<ReplicaStatus, 'key' | 'state' | 'load'>[]
  /** Code and number, since the start. */
  readonly refusals: readonly (readonly [code: string, count: number])[]
}

const REFRESH_SECONDS = 5
const MOST_DEVICES = 100
const [WIDTH, HEIGHT] = [590, 60]
const STYLE = `body{font:16px system-ui,sans-serif;max-width:40rem;margin:2rem auto;padding:0 1rem;color-scheme:light dark}
table{border-collapse:collapse;width:100%}td,th{padding:.2rem 0;text-align:left}td:not(:first-child),th:not(:first-child){text-align:right;
font-variant-numeric:tabular-nums}svg{width:100%;border-bottom:1px solid}polyline{fill:none;stroke:currentColor;stroke-width:1.5}`

/**
 * A page for the owner of a relay: how it is, who is there, what it carries and refuses. It has no script and loads nothing; it asks anew every five seconds. A device or relay is
 * named by the first 8 digits of its key.
 *
 * @returns HTML
 */
export function statusPage(status: Status): string {
  const { state, upMs, counts, perSecond, refusals } = status
  const seconds = perSecond.slice(-10)
  const mean = seconds.reduce((sum, bytes) => sum + bytes, 0) / Math.max(seconds.length, 1)
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta http-equiv="refresh" content="${REFRESH_SECONDS}">
<meta name="viewport" content="width=device-width">
<title>Relay: ${escaped(state)}</title>
<style>${STYLE}</style>
</head>
<body>
<h1>Relay: ${escaped(state)}</h1>
<p>Up for ${duration(upMs)}.</p>
<h2>Throughput</h2>
<p>${amount(mean)} a second over the last ten; at most ${amount(Math.max(...perSecond, 0))} in the last minute.</p>
${curve(perSecond)}
${table('Now', ['', ''], counts)}
${table('Devices', ['', 'connections', 'charged'], deviceRows(status))}
${replicaTable(status)}
${table('Refused, since the start', ['', ''], refusals)}
</body>
</html>
`
}

function deviceRows({ devices }: Status): (readonly (string | number)[])[] {
  const shown = [...devices].sort((a, b) => b.usedBytes - a.usedBytes).slice(0, MOST_DEVICES)
  const rows = shown.map(({ device, connections, usedBytes }) => [
    shortName(device),
    connections,
    amount(usedBytes)
  ])
  const more = devices.length - shown.length
  return more === 0 ? rows : [...rows, [`and ${more} more`, '', '']]
}

/** Nothing, where it is the only one. */
function replicaTable({ replicas }: Status): string {
  const rows = replicas.map(({ key, state, load }) => [shortName(key), state, `${Math.round(load * 100)} %`])
  return rows.length === 0 ? '' : table('Other relays', ['', 'state', 'load'], rows)
}

function shortName(key: Uint8Array): string {
  return nameOf(key).slice(0, 8)
}

function table(
  title: string,
  heads: readonly string[],
  rows: readonly (readonly (string | number)[])[]
): string {
  if (rows.length === 0) return `<h2>${title}</h2>\n<p>None.</p>`
  const line = (cells: readonly (string | number)[], tag: string): string =>
    `<tr>${cells.map((cell) => `<${tag}>${escaped(String(cell))}</${tag}>`).join('')}</tr>`
  const head = heads.some((word) => word !== '') ? [line(heads, 'th')] : []
  const lines = [...head, ...rows.map((row) => line(row, 'td'))]
  return `<h2>${title}</h2>\n<table>\n${lines.join('\n')}\n</table>`
}

function curve(perSecond: readonly number[]): string {
  const most = Math.max(...perSecond, 1)
  const step = WIDTH / Math.max(perSecond.length - 1, 1)
  const points = perSecond.map(
    (bytes, i) => `${(i * step).toFixed(1)},${(HEIGHT - (bytes / most) * (HEIGHT - 2)).toFixed(1)}`
  )
  const size = `viewBox="0 0 ${WIDTH} ${HEIGHT}" preserveAspectRatio="none"`
  return `<svg ${size} role="img" aria-label="The last minute"><polyline points="${points.join(' ')}"/></svg>`
}

/** Decimal units, as networks count. */
function amount(bytes: number): string {
  const units = ['bytes', 'kB', 'MB', 'GB', 'TB']
  const unit = bytes < 1000 ? 0 : Math.min(Math.floor(Math.log10(bytes) / 3), units.length - 1)
  return `${(bytes / 1000 ** unit).toFixed(unit === 0 ? 0 : 1)} ${units[unit]}`
}

function duration(ms: number): string {
  const minutes = Math.floor(ms / 60_000)
  const [days, hours] = [Math.floor(minutes / 1440), Math.floor((minutes % 1440) / 60)]
  return `${days} d ${hours} h ${minutes % 60} min`
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;')
}
