import { Cleanup, tmpStore } from '@cloudpal/test-kit'
import fc from 'fast-check'
import Hyperdrive from 'hyperdrive'
import { expect, test } from 'vitest'
import { nameDrive, openDrive, planDriveRoll, startDriveRoll } from '../src/cores/index.ts'
import { createKeyPair, type KeyPair } from '../src/index.ts'
import { ada, bytesOf, keyPairs } from './people.ts'

type Step =
  | { readonly kind: 'put'; readonly path: string; readonly text: string }
  | { readonly kind: 'del'; readonly path: string }
  /** `back`: so many versions before the present one. */
  | { readonly kind: 'roll'; readonly back: number }
  | { readonly kind: 'reopen' }

const path = fc.constantFrom('/a', '/b', '/c/d')
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('put' as const), path, text: fc.string() }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('del' as const), path }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('roll' as const), back: fc.nat(3) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('reopen' as const) }) }
)

async function filesOf(drive: Hyperdrive): Promise<Record<string, string>> {
  const files: Record<string, string> = {}
  for await (const { key } of drive.entries())
    files[key] = Buffer.from((await drive.get(key)) ?? bytesOf(0)).toString()
  return files
}

/** Does the steps, and compares with nothing but objects after each. */
async function live(
  steps: readonly Step[],
  encryptionKey: Uint8Array | null,
  cleanup: Cleanup
): Promise<void> {
  const store = await tmpStore({ cleanup })
  let drive = new Hyperdrive(store.session(), { encryptionKey } as never)
  await drive.put('/a', Buffer.from('first'))
  const chain = ada()
  chain.rollCore({ rolls: await nameDrive(drive, 'photos') }, keyPairs('control 0'))
  /** By version; there is none without a file. */
  const moments = new Map<number, Record<string, string>>([[drive.version, { '/a': 'first' }]])
  let keyPair: KeyPair | null = null
  const open = (): Promise<Hyperdrive> =>
    openDrive(Hyperdrive, store, chain.state, 'photos', { keyPair, encryptionKey })
  const past: Hyperdrive[] = []
  for (const given of steps) {
    let files = { ...moments.get(drive.version) }
    if (given.kind === 'put') {
      await drive.put(given.path, Buffer.from(given.text))
      files[given.path] = given.text
    } else if (given.kind === 'del') {
      await drive.del(given.path)
      files = Object.fromEntries(Object.entries(files).filter(([each]) => each !== given.path))
    } else if (given.kind === 'roll') {
      keyPair = createKeyPair()
      const version = Math.max(Math.min(...moments.keys()), drive.version - given.back)
      const options = { signers: [keyPair.publicKey], ...(given.back > 0 && { version }) }
      const { rolls } = await planDriveRoll(drive, 'photos', options)
      chain.rollCore({ rolls }, keyPairs('control 0'))
      await startDriveRoll(store, chain.state, 'photos', drive, { keyPair, encryptionKey })
      past.push(drive)
      drive = await open()
      expect(drive.version).toBe(version)
      files = { ...moments.get(version) }
    } else if (keyPair !== null) {
      await drive.close()
      drive = await open()
    }
    moments.set(drive.version, files)
    expect(await filesOf(drive)).toEqual(files)
  }
  for (const each of [...past, drive]) await each.close()
}

test('a drive that is written, handed on from now or from before, and opened again has what was put there', async () => {
  const world = fc.tuple(fc.array(step, { maxLength: 12 }), fc.constantFrom(null, bytesOf(3)))
  await fc.assert(
    fc.asyncProperty(world, async ([steps, encryptionKey]) => {
      await using cleanup = new Cleanup()
      await live(steps, encryptionKey, cleanup)
    }),
    { numRuns: 12 }
  )
})
