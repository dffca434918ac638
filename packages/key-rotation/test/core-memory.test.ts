import { tmpStore } from '@cloudpal/test-kit'
import { expect, test } from 'vitest'
import { coreMemory, readChain, writeChain } from '../src/cores/index.ts'
import { propose, sealProposal, signProposal } from '../src/index.ts'
import { ada, addDevice, bytesOf, keyPair, publicKeys, START } from './people.ts'
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
  // The committed keys sign a rotation, and those so far may.
  const change = {
    kind: 'rotate',
    control: { threshold: 1, keys: publicKeys('control 1') },
    next: { threshold: 1, keys: [bytesOf(1)] },
    recovery: null
  } as const
  const proposal = propose(chain.state, change, START)
  const [old, next] = ['control 0', 'control 1'].map((name) => signProposal(proposal, keyPair(name)))
  const events = [next ?? [], [...(old ?? []), ...(next ?? [])]].map((signatures) =>
    sealProposal(proposal, signatures)
  ) as [Uint8Array, Uint8Array]
  expect(events[0]).not.toEqual(events[1])
  const store = await tmpStore()
  const core = store.get({ name: 'chain' })
  await writeChain(core, [...chain.events, events[0]])
  expect(await codeOfAsync(writeChain(core, [...chain.events, events[1]]))).toBe(null)
  addDevice(chain, 'phone')
  expect(await codeOfAsync(writeChain(core, chain.events))).toBe('KEY_ROTATION_FORKED')
})

test('what is added after a memory was written anew is there after a restart, and nothing of what it replaced', async () => {
  const data = new Map<string, Uint8Array>()
  let isFull = false
  const core = {
    ready: async () => {},
    getUserData: async (key: string) => data.get(key) ?? null,
    setUserData: async (key: string, value: Uint8Array) => {
      if (isFull && value.length === 0) throw new Error('no space is left')
      data.set(key, value)
    }
  }
  const store = coreMemory(core)
  const text = async (): Promise<string> => String(Buffer.from((await coreMemory(core).read()) ?? []))
  await store.write(Buffer.from('one '))
  for (const part of ['two ', 'three ']) await store.append?.(Buffer.from(part))
  expect(await text()).toBe('one two three ')
  isFull = true
  await store.write(Buffer.from('whole '))
  await store.append?.(Buffer.from('more '))
  expect([await text(), data.size]).toEqual(['whole more ', 3])
  isFull = false
  await store.write(Buffer.from('one '))
  await store.write(Buffer.from('whole '))
  expect(await text()).toBe('whole ')
})
