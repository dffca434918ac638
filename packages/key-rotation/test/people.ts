import { createKeyPair, type KeyPair, requestToJoin, type Role, Sigchain } from '../src/index.ts'

/** Always the same for a name. */
export function keyPair(name: string): KeyPair {
  const seed = new Uint8Array(32)
  seed.set(Buffer.from(name).subarray(0, 32))
  return createKeyPair(seed)
}

export function keyPairs(...names: string[]): KeyPair[] {
  return names.map(keyPair)
}

export function publicKeys(...names: string[]): Uint8Array[] {
  return keyPairs(...names).map(({ publicKey }) => publicKey)
}

/** A pair of key sets, of one key each: those that count, and those committed to. */
export function keysOf(
  control: string,
  next: string
): { control: { keys: Uint8Array[] }; next: { keys: Uint8Array[] } } {
  return { control: { keys: publicKeys(control) }, next: { keys: publicKeys(next) } }
}

/** 32 bytes that stand for a core's key or a tree hash. */
export function bytesOf(value: number, length = 32): Uint8Array {
  return Buffer.alloc(length, value)
}

/** 2026-01-01 */
export const START = 1_767_225_600_000
export const DAY: number = 24 * 3600 * 1000

/** A clock that the test moves. */
export interface ManualTime {
  (): number
  at: number
}

export function manualTime(at: number = START): ManualTime {
  const clock: ManualTime = Object.assign(() => clock.at, { at })
  return clock
}

/** Ada: one key that counts, one committed to, and 2 of 3 friends who can bring her back in a week. */
export function ada(now: () => number = manualTime(), control = 'control 0', next = 'control 1'): Sigchain {
  return Sigchain.incept(
    {
      control: { keys: publicKeys(control) },
      next: { keys: publicKeys(next) },
      recovery: {
        quorum: { threshold: 2, keys: publicKeys('friend 0', 'friend 1', 'friend 2') },
        delayMs: 7 * DAY
      },
      signers: keyPairs(control),
      salt: bytesOf(7, 16)
    },
    { now }
  )
}

/** Lets a device in, named for its key. */
export function addDevice(
  chain: Sigchain,
  name: string,
  role: Role = 'writer',
  signers: readonly KeyPair[] = keyPairs('control 0'),
  expires: number | null = null
): Uint8Array {
  const device = keyPair(name)
  chain.addDevice(requestToJoin(chain.state.identity, device, { name, role, expires }), signers)
  return device.publicKey
}

/** The code of what is thrown; `null` when nothing is. Anything without a code is thrown on. */
export function codeOf(run: () => unknown): string | null {
  try {
    run()
    return null
  } catch (error) {
    const { code } = error as { code?: unknown }
    if (typeof code === 'string' && code.startsWith('KEY_ROTATION_')) return code
    throw error
  }
}
