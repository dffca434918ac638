import crypto from 'hypercore-crypto'
import { Stop } from '../stop.ts'
import { Seeder } from '../read/seeder.ts'
import type { SwarmLike } from '../types.ts'
import { storeOf } from './arguments.ts'
import { sizeText, type Terminal } from './terminal.ts'

export interface ServeOptions {
  from: string
  key: readonly Uint8Array[]
  pollSeconds: number
}

/** Serves archived cores to whoever asks for them in the swarm, until Ctrl-C. */
export async function serve(terminal: Terminal, { from, key, pollSeconds }: ServeOptions): Promise<void> {
  const { signal, openSwarm = hyperswarm } = terminal.surroundings
  const seeder = new Seeder(await storeOf(from), {
    keys: key,
    pollMs: pollSeconds * 1000,
    signal,
    onerror: ({ message }) => terminal.note(message)
  })
  const swarm = await openSwarm()
  let peers = 0
  try {
    swarm.on('connection', (stream) => {
      peers++
      stream.on('error', () => {})
      seeder.replicate(stream)
    })
    for (const one of key)
      await swarm.join(crypto.discoveryKey(one), { server: true, client: false }).flushed()
    terminal.note(`serving ${key.length} cores`)
    await new Stop(signal).race(new Promise<never>(() => {})).catch(() => {})
  } finally {
    await swarm.destroy()
    await seeder.close()
  }
  const { requests, bytesRead } = seeder.stats()
  const text = `${peers} connections, ${requests} requests, ${sizeText(bytesRead)} read`
  terminal.result({ connections: peers, requests, bytesRead }, [text])
}

async function hyperswarm(): Promise<SwarmLike> {
  const { default: Hyperswarm } = await import('hyperswarm')
  return new Hyperswarm()
}
