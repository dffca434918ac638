import b4a from 'b4a'
import { readFile } from '#fs'
import { RelayError } from '../errors.ts'
import type { PolicyLimits } from '../policy/relay-policy.ts'
import { RelayServer, type RelayServerEvents } from '../server/relay-server.ts'
import { logger } from './arguments.ts'
import { keyPairOf } from './secret-key.ts'
import type { Surroundings } from './surroundings.ts'

/** What `serve` is told, by flags, environment and file. */
export interface ServeSettings {
  keyFile: string
  host?: string
  tcpPort?: number
  wsPort?: number
  tlsCert?: string
  tlsKey?: string
  metricsPort?: number
  metricsHost?: string
  allow?: readonly Uint8Array[]
  issuer?: readonly Uint8Array[]
  revoke?: readonly Uint8Array[]
  connections?: number
  pairings?: number
  totalConnections?: number
  bytesPerSecond?: number
  quotaBytes?: number
  drainSeconds?: number
  json?: boolean
}

/**
 * Serves until the signal, then drains.
 *
 * @param reread - reads the settings again: what they allow and revoke then, counts from then on
 */
export async function serve(
  settings: ServeSettings,
  surroundings: Surroundings,
  reread: () => Promise<ServeSettings>
): Promise<void> {
  const log = logger(surroundings, settings.json === true)
  const relay = await serverOf(settings)
  relay.on('refused', (...[{ code }, device, address]: RelayServerEvents['refused']) =>
    log('refused', { code, device: device === null ? 'unknown' : b4a.toString(device, 'hex'), address })
  )
  await relay.ready()
  const { tcp, ws, metrics } = relay.ports
  log('listening', { key: b4a.toString(relay.publicKey, 'hex'), tcp, ws, metrics })
  surroundings.onreload(() => {
    reread().then(
      ({ allow = [], revoke = [] }) => {
        for (const device of allow) relay.policy.allow(device)
        const ended = revoke.map((what) => relay.policy.revoke(what)).reduce((sum, n) => sum + n, 0)
        return log('reloaded', { allowed: allow.length, revoked: revoke.length, ended })
      },
      (error: Error) => log('not reloaded', { message: error.message })
    )
  })
  await new Promise<void>((resolve) => {
    if (surroundings.signal.aborted) resolve()
    else surroundings.signal.addEventListener('abort', resolve)
  })
  log('draining', { sessions: relay.sessions, registered: relay.registered })
  await relay.drain()
  await relay.close()
  log('closed')
}

async function serverOf(settings: ServeSettings): Promise<RelayServer> {
  const { host, tcpPort, wsPort, metricsPort, metricsHost = '127.0.0.1', drainSeconds = 10 } = settings
  if (tcpPort === undefined && wsPort === undefined)
    throw new RelayError('RELAY_BAD_ARGUMENT', 'give --tcp-port, --ws-port or both')
  const { allow = [], issuer = [], revoke = [] } = settings
  if (allow.length === 0 && issuer.length === 0)
    throw new RelayError('RELAY_BAD_ARGUMENT', 'give --allow or --issuer: else nobody is served')
  const listen = (port: number): { port: number; host?: string } =>
    host === undefined ? { port } : { port, host }
  const relay = new RelayServer({
    keyPair: await keyPairOf(settings.keyFile),
    allow,
    issuers: issuer,
    limits: limitsOf(settings),
    drainMs: drainSeconds * 1000,
    tcp: tcpPort === undefined ? null : listen(tcpPort),
    ws: wsPort === undefined ? null : { ...listen(wsPort), tls: await tlsOf(settings) },
    metrics: metricsPort === undefined ? null : { port: metricsPort, host: metricsHost }
  })
  for (const what of revoke) relay.policy.revoke(what)
  return relay
}

function limitsOf(settings: ServeSettings): Partial<PolicyLimits> {
  const names = ['connections', 'pairings', 'totalConnections', 'bytesPerSecond', 'quotaBytes'] as const
  return Object.fromEntries(
    names.flatMap((name) => (settings[name] === undefined ? [] : [[name, settings[name]]]))
  )
}

async function tlsOf({ tlsCert, tlsKey }: ServeSettings): Promise<{ cert: string; key: string } | null> {
  if (tlsCert === undefined && tlsKey === undefined) return null
  if (tlsCert === undefined || tlsKey === undefined)
    throw new RelayError('RELAY_BAD_ARGUMENT', '--tls-cert and --tls-key belong together')
  return { cert: await readFile(tlsCert, 'utf8'), key: await readFile(tlsKey, 'utf8') }
}
