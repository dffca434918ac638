// One relay of several of an owner, until it is killed, or has drained.
import crypto from 'hypercore-crypto'
import { RelayServer } from '../../dist/server/index.js'
import { config, fromHex, listen, say } from './process.mjs'

/** @type {{ seed: number, port: number, owner: string, set: string, allow: string[], connections: number }} */
const { seed, port, owner, set, allow, connections } = config()
const relay = new RelayServer({
  keyPair: crypto.keyPair(Buffer.alloc(32, seed)),
  allow: allow.map(fromHex),
  tcp: { host: '127.0.0.1', port },
  drainMs: 20_000,
  replicas: { owner: fromHex(owner), set: fromHex(set), intervalMs: 1_000, capacity: { connections } }
})
await relay.ready()
say({ listening: true })
listen((word) => {
  if (word === 'drain') {
    void relay.drain().then(async () => {
      const left = { registered: relay.registered, sessions: relay.sessions }
      await relay.close()
      say({ drained: true, ...left })
      process.exit(0)
    })
  } else {
    const { registered, sessions } = relay
    say({ registered, sessions, states: relay.replicas.map(({ state }) => state) })
  }
})
