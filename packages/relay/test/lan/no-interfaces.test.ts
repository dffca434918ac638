import { expect, test, vi } from 'vitest'
import { LanSockets } from '../../src/lan/lan-sockets.ts'

vi.mock('#os', () => ({
  networkInterfaces: () => {
    throw new Error('uv_interface_addresses returned Unknown system error 13')
  }
}))

test('where the system does not say which networks it is in, as some Androids, there is none, and no error', async () => {
  const sockets = new LanSockets({ onquery: () => {}, onresponse: () => {} })
  sockets.update()
  expect(sockets.addresses).toEqual([])
  await sockets.close()
})
