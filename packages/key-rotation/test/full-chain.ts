import { type CutOff, type Sigchain } from '../src/index.ts'
import { ada, addDevice, bytesOf, DAY, keyPairs, manualTime, publicKeys } from './people.ts'

/** A chain with every kind of event in it, always the same. */
export function fullChain(): Sigchain {
  const now = manualTime()
  const chain = ada(now)
  addDevice(chain, 'laptop', 'admin')
  const phone = addDevice(chain, 'phone', 'writer', keyPairs('laptop'))
  now.at += DAY
  const first = { device: phone, rolls: [{ name: 'notes', core: bytesOf(1), previous: null }] }
  chain.rollCore(first, keyPairs('laptop', 'phone'))
  const cutOff: CutOff = { core: bytesOf(1), fork: 0, length: 70_000, treeHash: bytesOf(2) }
  chain.revokeDevice(phone, { reason: 'lost', cutOffs: [cutOff] }, keyPairs('laptop'))
  chain.rollCore({ rolls: [{ name: 'notes', core: bytesOf(3), previous: cutOff }] }, keyPairs('control 0'))
  chain.rotate(
    { control: { keys: publicKeys('control 1') }, next: { keys: publicKeys('control 2') } },
    keyPairs('control 0', 'control 1')
  )
  const keys = { control: { keys: publicKeys('new control') }, next: { keys: publicKeys('new next') } }
  chain.announceRecovery(keys, keyPairs('friend 0', 'friend 2', 'new control'))
  chain.vetoRecovery(keyPairs('control 1'))
  chain.announceRecovery(
    { ...keys, revealed: { keys: publicKeys('control 2') } },
    keyPairs('friend 0', 'friend 1', 'new control', 'control 2')
  )
  chain.recover(keyPairs('new control'))
  return chain
}
