import { tmpStore } from '@cloudpal/test-kit'
import { expect, test } from 'vitest'
import { readChain, writeChain } from '../src/cores/index.ts'
import { propose, requestToJoin, sealProposal, signProposal } from '../src/index.ts'
import { ada, addDevice, bytesOf, keyPair, START } from './people.ts'
import { codeOfAsync } from './parties.ts'

test('a core that has more blocks than a chain can have is refused before they are all fetched', async () => {
  let gets = 0
  const core = {
    ready: async () => {},
    length: 70_000,
    get: async () => {
      gets++
      return bytesOf(1)
    }
  }
  expect([await codeOfAsync(readChain(core)), gets <= 65_536]).toEqual(['KEY_ROTATION_TOO_LARGE', true])
})

test('the same event with more signatures is no other event for a core that has a chain', async () => {
  const chain = ada()
  addDevice(chain, 'laptop', 'admin')
  const request = requestToJoin(chain.state.identity, keyPair('phone'), { name: 'phone' })
  const proposal = propose(chain.state, { ...request, kind: 'addDevice' }, START)
  const [one, two] = ['control 0', 'laptop'].map((name) => signProposal(proposal, keyPair(name)))
  const events = [sealProposal(proposal, one ?? []), sealProposal(proposal, [...(one ?? []), ...(two ?? [])])]
  const store = await tmpStore()
  const core = store.get({ name: 'chain' })
  await writeChain(core, [...chain.events, events[0] as Uint8Array])
  expect(await codeOfAsync(writeChain(core, [...chain.events, events[1] as Uint8Array]))).toBe(null)
})
