// A relay of the soak, until it is killed or told to drain.
import { RelayServer } from '@cloudpal/relay/server'
import { devicesOf, hasGrant, keyPairOf } from './keys.mjs'
import { answer, task } from './member.mjs'
import { processState } from './process-state.mjs'

/** @type {{ number: number, ports: { tcp: number, ws: number }, groups: number, set: string | null, tls: { cert: string, key: string } | null }} */
const { number, ports, groups, set, tls } = task()
const relay = new RelayServer({
  keyPair: keyPairOf('relay', number),
  allow: Array.from({ length: groups }, (_, group) =>
    devicesOf(group)
      .filter((_, device) => !hasGrant(device))
      .map(({ publicKey }) => publicKey)
  ).flat(),
  issuers: [keyPairOf('issuer', 0).publicKey],
  tcp: { host: '127.0.0.1', port: ports.tcp },
  ws: { host: '127.0.0.1', port: ports.ws, tls },
  replicas: set === null ? null : { owner: keyPairOf('owner', 0).publicKey, set: Buffer.from(set, 'hex') },
  limits: { connections: 1_000 },
  unknownPerAddress: 1_000,
  drainMs: 1_000
})
const ready = relay.ready()
process.once('SIGTERM', () => void drain())

async function drain() {
  await relay.drain()
  await relay.close()
  process.exit()
}

async function state() {
  const { connections, sessions, registered, heldBytes } = relay
  return { ...(await processState()), connections, sessions, registered, heldBytes }
}

answer({
  async ready() {
    await ready
    return { ports: relay.ports, ...(await state()) }
  },
  state,
  // Nobody is left: how much of what clients have left behind is still here?
  async rest() {
    const started = Date.now()
    while (relay.connections > 0 && Date.now() - started < 30_000) {
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
    return state()
  }
})
