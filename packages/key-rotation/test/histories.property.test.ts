import { Cleanup, until } from '@cloudpal/test-kit'
import NoiseSecretStream from '@hyperswarm/secret-stream'
import b4a from 'b4a'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { continued, sharedLength, tipOf } from '../src/connections/histories.ts'
import { addDevice, keyPairs } from './people.ts'
import { copyOf, family, type Party, party } from './parties.ts'
import type { Sigchain } from '../src/index.ts'

/** How many events of the base, and of its own, a device has. */
interface Own {
  readonly base: number
  readonly own: number
}

const own: fc.Arbitrary<Own> = fc.record({ base: fc.nat(3), own: fc.nat(3) })
const names = ['laptop', 'phone', 'tablet'] as const

function chainOf(whole: Sigchain, { base, own: count }: Own, name: string): Sigchain {
  const chain = copyOf(whole.events.length === 0 ? whole : prefix(whole, base))
  for (let i = 0; i < count; i++) addDevice(chain, `${name} ${i}`, 'reader', keyPairs('control 0'))
  return chain
}

/** The family, and so many events of its next ones. */
function prefix(whole: Sigchain, count: number): Sigchain {
  const chain = family()
  for (const event of whole.events.slice(chain.events.length, chain.events.length + count))
    chain.append(event)
  return chain
}

function isSame(a: Party, b: Party): boolean {
  return b4a.equals(a.memory.state.hash, b.memory.state.hash)
}

test('whatever histories devices have, once they have met in a row each has seen what the others have, and none is disconnected', async () => {
  const whole = family()
  for (let i = 0; i < 3; i++) addDevice(whole, `base ${i}`, 'reader')
  await fc.assert(
    fc.asyncProperty(own, own, own, async (...owns) => {
      await using cleanup = new Cleanup()
      const parties: Party[] = []
      for (const [i, name] of names.entries())
        parties.push(await party(name, chainOf(whole, owns[i] as Own, name)))
      const [laptop, phone, tablet] = parties as [Party, Party, Party]
      const link = async (one: Party, other: Party): Promise<void> => {
        const [a, b] = [new NoiseSecretStream(true), new NoiseSecretStream(false)]
        for (const end of [a, b]) {
          end.on('error', () => {})
          cleanup.defer('stream', () => end.destroy())
        }
        a.rawStream?.pipe(b.rawStream as never)
        b.rawStream?.pipe(a.rawStream as never)
        await Promise.all([one.authenticator.authenticate(a), other.authenticator.authenticate(b)])
      }
      await Promise.all([link(laptop, phone), link(phone, tablet)])
      // Either there is one history, which all have; or all have heard that there are two.
      const isFrozen = ({ memory }: Party): boolean => memory.duplicity !== null
      await until(
        () =>
          (isSame(laptop, phone) && isSame(phone, tablet) && !parties.some(isFrozen)) ||
          parties.every(isFrozen)
      )
      expect(parties.flatMap(({ refused }) => refused)).toEqual([])
    }),
    { numRuns: 25 }
  )
})

test('a message goes on with the history that its first event names, and with no other', () => {
  const whole = family()
  for (let i = 0; i < 3; i++) addDevice(whole, `base ${i}`, 'reader')
  fc.assert(
    fc.property(own, own, fc.nat(9), (one, other, from) => {
      const [mine, theirs] = [chainOf(whole, one, 'mine').events, chainOf(whole, other, 'theirs').events]
      const events = theirs.slice(from)
      fc.pre(events.length > 0)
      const shared = theirs.findIndex((event, i) => mine[i] === undefined || !b4a.equals(mine[i], event))
      const splits = shared === -1 ? theirs.length : shared
      const message = { from, part: 'last' as const, events }
      expect(continued(message, [[], theirs])).toEqual(theirs)
      expect(continued(message, [mine])).toEqual(from <= splits ? theirs : null)
      expect(sharedLength(theirs, [tipOf(mine)], null)).toBe(splits === mine.length ? splits : 0)
      expect(sharedLength(theirs, [], mine)).toBe(splits)
    }),
    { numRuns: 200 }
  )
})
