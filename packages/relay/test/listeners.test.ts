import { Agent, get, type IncomingMessage } from 'node:http'
import { testCleanup } from '@cloudpal/test-kit'
import { expect, test } from 'vitest'
import { startRelay } from './relays.ts'

const HOST = '127.0.0.1'

test('who asks a WebSocket listener for anything else holds no place of strangers', async () => {
  const { relay } = await startRelay([])
  const response = await new Promise<IncomingMessage>((resolve) => {
    const agent = new Agent({ keepAlive: true })
    testCleanup().defer('stream', () => agent.destroy())
    get({ host: HOST, port: relay.ports.ws ?? 0, agent }, (response) => resolve(response.resume()))
  })
  expect(response.headers.connection).toBe('close')
})

test('a load balancer may ask for the head of /health', async () => {
  const { relay } = await startRelay([], { metrics: {} })
  const { status } = await fetch(`http://${HOST}:${relay.ports.metrics}/health`, { method: 'HEAD' })
  expect(status).toBe(200)
})
