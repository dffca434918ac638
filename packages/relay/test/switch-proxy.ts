import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { testCleanup } from '@cloudpal/test-kit'

/** A TCP proxy with a mind of its own: a NAT, a wall, a network that freezes, a relay that lies. */
export interface SwitchProxy {
  readonly port: number
  /** Where it leads. */
  target: number
  /** Whether it takes new connections. */
  on: boolean
  /** Nothing passes, and nothing is closed. */
  frozen: boolean
  /** Bytes that have passed. */
  readonly bytes: number
  /** Sees, and may change, every chunk that passes; `null` drops it. */
  meddle: (chunk: Buffer, direction: 'in' | 'out', from: object) => Buffer | null
  /** Passes on what `meddle` has kept, as if it came from there now. */
  inject(from: object, chunk: Buffer): void
}

export async function startSwitch(target = 0): Promise<SwitchProxy> {
  const sockets = new Set<Socket>()
  const ends = new WeakMap<object, Socket>()
  const proxy = {
    port: 0,
    target,
    on: false,
    frozen: false,
    bytes: 0,
    meddle: (chunk: Buffer): Buffer | null => chunk,
    inject: (from: object, chunk: Buffer): void => void ends.get(from)?.write(chunk)
  }
  const pass = (from: Socket, to: Socket, direction: 'in' | 'out'): void => {
    sockets.add(from)
    ends.set(from, to)
    from.on('data', (chunk) => {
      if (proxy.frozen) return
      proxy.bytes += chunk.length
      const passed = (proxy as SwitchProxy).meddle(chunk, direction, from)
      if (passed !== null && !to.write(passed)) from.pause()
    })
    to.on('drain', () => from.resume())
    from.on('error', () => {})
    from.on('close', () => {
      sockets.delete(from)
      if (!proxy.frozen) to.destroy()
    })
  }
  const server = createServer((socket) => {
    socket.on('error', () => {})
    if (!proxy.on) {
      socket.destroy()
      return
    }
    const onward = connect(proxy.target, '127.0.0.1')
    pass(socket, onward, 'in')
    pass(onward, socket, 'out')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  proxy.port = (server.address() as AddressInfo).port
  testCleanup().defer('network', () => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return proxy
}
