import NoiseSecretStream from '@hyperswarm/secret-stream'
import { testCleanup } from '@cloudpal/test-kit'
import c from 'compact-encoding'
import Protomux, { type Message } from 'protomux'
import { Authenticator, type AuthenticatorOptions } from '../src/connections/index.ts'
import { channelId, encodeHello } from '../src/connections/messages.ts'
import { IdentityMemory, type KeyPair, type MemoryStore, Sigchain } from '../src/index.ts'
import { ada, addDevice, DAY, keyPair, keyPairs, manualTime, publicKeys, START } from './people.ts'

/** Two ends of an encrypted connection. */
export function connect(): [NoiseSecretStream, NoiseSecretStream] {
  const [a, b] = [new NoiseSecretStream(true), new NoiseSecretStream(false)]
  for (const end of [a, b]) end.on('error', () => {})
  a.rawStream?.pipe(b.rawStream as never)
  b.rawStream?.pipe(a.rawStream as never)
  testCleanup().defer('stream', () => {
    a.destroy()
    b.destroy()
  })
  return [a, b]
}

/** Ada's laptop, phone and tablet. */
export function family(): Sigchain {
  const chain = ada()
  for (const name of ['laptop', 'phone', 'tablet'])
    addDevice(chain, name, name === 'laptop' ? 'admin' : 'writer')
  return chain
}

export function copyOf(chain: Sigchain): Sigchain {
  return Sigchain.open(chain.toBytes(), { trusted: chain.state.identity }, { now: () => START })
}

/** A memory store that forgets when the test ends. */
export function ram(bytes: Uint8Array | null = null): MemoryStore & { bytes: Uint8Array | null } {
  const store = {
    bytes,
    read: async () => store.bytes,
    write: async (given: Uint8Array) => void (store.bytes = given)
  }
  return store
}

export interface Party {
  memory: IdentityMemory
  authenticator: Authenticator
  /** Codes of its refusals. */
  refused: string[]
}

/** A device with a chain. */
export async function party(
  name: string,
  chain: Sigchain,
  options: AuthenticatorOptions = {},
  now: () => number = () => START
): Promise<Party> {
  const memory = await IdentityMemory.open(ram(), chain.state.identity, chain.toBytes(), { now })
  const refused: string[] = []
  const onrefused = ({ code }: { code: string }): void => void refused.push(code)
  const authenticator = new Authenticator(memory, keyPair(name), { now, onrefused, ...options })
  return { memory, refused, authenticator }
}

export async function meet(a: Party, b: Party): Promise<[NoiseSecretStream, NoiseSecretStream]> {
  const ends = connect()
  await Promise.all([a.authenticator.authenticate(ends[0]), b.authenticator.authenticate(ends[1])])
  return ends
}

/** The other side, by hand. */
export interface Speaker {
  tell(message: Uint8Array): void
  ask(): void
  /** Messages of events that came. */
  readonly told: Uint8Array[]
  /** How often it was asked. */
  asked: number
}

export async function speak(
  connection: NoiseSecretStream,
  chain: Sigchain,
  device: KeyPair,
  seq: number = chain.state.seq
): Promise<Speaker> {
  await connection.opened
  const { identity, hash } = chain.state
  const channel = Protomux.from(connection).createChannel<Uint8Array>({
    protocol: 'cloudpal/key-rotation/1',
    id: channelId(identity),
    unique: true,
    handshake: c.raw
  })
  const add = (onmessage: (bytes: Uint8Array) => void): Message<Uint8Array> | undefined =>
    channel?.addMessage<Uint8Array>({ encoding: c.raw, onmessage })
  const events = add((bytes) => speaker.told.push(Uint8Array.from(bytes)))
  add(() => {})
  const ask = add(() => speaker.asked++)
  const speaker: Speaker = {
    tell: (message) => void events?.send(message),
    ask: () => void ask?.send(new Uint8Array(0)),
    told: [],
    asked: 0
  }
  const place = { identity, handshakeHash: connection.handshakeHash as Uint8Array, isInitiator: false }
  channel?.open(encodeHello({ device: device.publicKey, seq, hash }, place, device))
  return speaker
}

/** The code that a promise rejects with; `null` when it does not. */
export async function codeOfAsync(running: Promise<unknown>): Promise<string | null> {
  try {
    await running
    return null
  } catch (error) {
    return (error as { code?: string }).code ?? String(error)
  }
}

/** Events of which the last is a recovery that whoever hears of it late must hold back. The phone is revoked before. */
export function recovered(base: Sigchain): { chain: Sigchain; late: number } {
  const clock = manualTime()
  const chain = Sigchain.open(base.toBytes(), { trusted: base.state.identity }, { now: clock })
  chain.revokeDevice(keyPair('phone').publicKey, { reason: 'compromised' }, keyPairs('control 0'))
  const keys = { control: { keys: publicKeys('new control') }, next: { keys: publicKeys('new next') } }
  chain.announceRecovery(keys, keyPairs('friend 0', 'friend 1', 'new control'))
  clock.at += 7 * DAY
  chain.recover(keyPairs('new control'))
  return { chain, late: START + 30 * DAY }
}
