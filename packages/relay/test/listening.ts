import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { testCleanup } from '@cloudpal/test-kit'

/** Somebody who listens on this machine, and does nothing by itself: not even close when the other side has. */
export async function listening(
  onsocket: (socket: Socket) => void
): Promise<{ server: Server; port: number }> {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => {})
    testCleanup().defer('network', () => socket.destroy())
    onsocket(socket)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  testCleanup().defer('network', () => void server.close())
  return { server, port: (server.address() as AddressInfo).port }
}
