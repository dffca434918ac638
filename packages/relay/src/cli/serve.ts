import { readFile } from '#fs'
import { RelayError } from '../errors.ts'
import { nameOf } from '../keys.ts'
import type { PolicyLimits } from '../policy/limits.ts'
import type { RelayServerOptions, TlsOptions } from '../server/options.ts'
import { RelayServer, type RelayServerEvents } from '../server/relay-server.ts'
import { logger } from './arguments.ts'
import { nextEpoch } from './epoch.ts'
import { type DhtNode, dhtNodeOf, type DhtSettings } from './dht-node.ts'
import { RefusalLog } from './refusal-log.ts'
import { type ReplicaSettings, replicasOf } from './replicas.ts'
import { keyPairOf } from './secret-key.ts'
import type { Surroundings } from './surroundings.ts'
import { wholeMessage } from './whole-message.ts'

/** What `serve` is told, by flags, environment and file. */
export interface ServeSettings extends DhtSettings, ReplicaSettings {
  keyFile: string
  tcpPort?: number
  tcpHost?: string
  wsPort?: number
  wsHost?: string
  trustProxy?: readonly string[]
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
  unknownConnections?: number
  unknownPerAddress?: number
  bytesPerSecond?: number
  quotaBytes?: number
  drainSeconds?: number
  json?: boolean
}

/** What is read again while it serves: whom it allows, whose grants count, the replicas and the certificate, and what is revoked. */
export interface Reread {
  /** Throws where anything is wrong. */
  settings(): Promise<ServeSettings>
  /** What is revoked, whatever is wrong with the rest. */
  revoked(): Promise<readonly Uint8Array[]>
}

/** Serves until the signal, then drains. */
export async function serve(
  settings: ServeSettings,
  surroundings: Surroundings,
  reread: Reread
): Promise<void> {
  const keyPair = await keyPairOf(settings.keyFile)
  const options = await optionsOf(settings)
  const dht = await dhtNodeOf(settings, keyPair)
  try {
    const relay = new RelayServer({ ...options, keyPair, dht: dht?.node ?? null })
    revokeAll(relay, settings.revoke ?? [])
    await serveBy(relay, dht, { settings, surroundings, reread })
  } finally {
    await dht?.close()
  }
}

async function serveBy(
  relay: RelayServer,
  dht: DhtNode | null,
  { settings, surroundings, reread }: { settings: ServeSettings; surroundings: Surroundings; reread: Reread }
): Promise<void> {
  const log = logger(surroundings, settings.json === true)
  const refusals = new RefusalLog(log)
  relay.on('refused', (...refused: RelayServerEvents['refused']) => refusals.note(...refused))
  relay.on('udp-listening', () => log('udp listening'))
  relay.on('listen-failed', (error: Error) => log('listen failed', { message: error.message }))
  await relay.ready()
  const { tcp, ws, metrics } = relay.ports
  const udp = dht === null ? {} : { udp: dht.port }
  log('listening', { key: nameOf(relay.publicKey), tcp, ws, ...udp, metrics })
  let reloaded = Promise.resolve()
  surroundings.onreload(() => {
    // One after the other: what was read last counts.
    reloaded = reloaded.then(() => reload(relay, reread, log))
  })
  await new Promise<void>((resolve) => {
    if (surroundings.signal.aborted) resolve()
    else surroundings.signal.addEventListener('abort', resolve)
  })
  log('draining', { sessions: relay.sessions, registered: relay.registered })
  await relay.drain()
  await relay.close()
  refusals.end()
  log('closed')
}

async function reload(
  relay: RelayServer,
  reread: Reread,
  log: (event: string, facts: object) => void
): Promise<void> {
  const revoked = revokeAll(relay, await reread.revoked())
  try {
    log('reloaded', { ...(await renew(relay, await reread.settings())), ...revoked })
  } catch (error) {
    log('not reloaded', { message: wholeMessage(error as Error), ...revoked })
  }
}

function revokeAll({ policy }: RelayServer, revoke: readonly Uint8Array[]): object {
  const ended = revoke.map((what) => policy.revoke(what)).reduce((sum, n) => sum + n, 0)
  return { revoked: revoke.length, ended }
}

/** All of it counts, or nothing. */
async function renew(relay: RelayServer, settings: ServeSettings): Promise<object> {
  const { allow = [], issuer = [], wsPort } = settings
  checkServesSomebody(settings)
  const replicas = await replicasOf(settings)
  const tls = wsPort === undefined ? null : await tlsOf(settings)
  if (replicas !== null) relay.checkReplicas(replicas.set)
  if (tls !== null) relay.renewTls(tls)
  if (replicas !== null) relay.useReplicas(replicas.set)
  relay.policy.useIssuers(issuer)
  const allowed = relay.policy.useAllowed(allow)
  return { allowed, ...(tls !== null && { renewed: true }) }
}

async function optionsOf(settings: ServeSettings): Promise<Omit<RelayServerOptions, 'keyPair' | 'dht'>> {
  const { host, tcpPort, wsPort, metricsPort, metricsHost = '127.0.0.1', drainSeconds = 10 } = settings
  const { tcpHost = host, wsHost = host, trustProxy = [] } = settings
  if (tcpPort === undefined && wsPort === undefined && settings.udpPort === undefined)
    throw new RelayError('RELAY_BAD_ARGUMENT', 'give --tcp-port, --ws-port or --udp-port')
  const { allow = [], issuer = [], unknownConnections, unknownPerAddress } = settings
  checkServesSomebody(settings)
  const replicas = await replicasOf(settings)
  const epoch = replicas && (await nextEpoch(`${settings.keyFile}.epoch`, Date.now()))
  const listen = (port: number, host?: string): { port: number; host?: string } =>
    host === undefined ? { port } : { port, host }
  return {
    allow,
    issuers: issuer,
    limits: limitsOf(settings),
    drainMs: drainSeconds * 1000,
    replicas: replicas && { ...replicas, ...epoch },
    ...(unknownConnections !== undefined && { unknownConnections }),
    ...(unknownPerAddress !== undefined && { unknownPerAddress }),
    tcp: tcpPort === undefined ? null : listen(tcpPort, tcpHost),
    ws: wsPort === undefined ? null : { ...listen(wsPort, wsHost), trustProxy, tls: await tlsOf(settings) },
    metrics: metricsPort === undefined ? null : { port: metricsPort, host: metricsHost }
  }
}

function checkServesSomebody({ allow = [], issuer = [] }: ServeSettings): void {
  if (allow.length === 0 && issuer.length === 0)
    throw new RelayError('RELAY_BAD_ARGUMENT', 'give --allow or --issuer: else nobody is served')
}

function limitsOf(settings: ServeSettings): Partial<PolicyLimits> {
  const names = ['connections', 'pairings', 'totalConnections', 'bytesPerSecond', 'quotaBytes'] as const
  return Object.fromEntries(
    names.flatMap((name) => (settings[name] === undefined ? [] : [[name, settings[name]]]))
  )
}

async function tlsOf({ tlsCert, tlsKey }: ServeSettings): Promise<TlsOptions | null> {
  if (tlsCert === undefined && tlsKey === undefined) return null
  if (tlsCert === undefined || tlsKey === undefined)
    throw new RelayError('RELAY_BAD_ARGUMENT', '--tls-cert and --tls-key belong together')
  return { cert: await textIn(tlsCert), key: await textIn(tlsKey) }
}

async function textIn(file: string): Promise<string> {
  return readFile(file, 'utf8').catch((error: unknown) => {
    throw new RelayError('RELAY_BAD_ARGUMENT', `${file} cannot be read`, { cause: error })
  })
}
