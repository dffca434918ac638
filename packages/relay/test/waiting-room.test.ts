import fc from 'fast-check'
import { expect, test } from 'vitest'
import { WaitingRoom } from '../src/server/waiting-room.ts'

interface Opener {
  readonly device: string
  readonly number: number
}

function room(devices: readonly string[]): { room: WaitingRoom<Opener>; openers: Opener[] } {
  const made = new WaitingRoom<Opener>()
  const openers = devices.map((device, number) => ({ device, number }))
  for (const opener of openers) made.add('target', opener.device, opener)
  return { room: made, openers }
}

test('a device with many connections that wait comes once in a round', () => {
  const { room: made } = room(['a', 'a', 'a', 'a', 'b', 'c', 'b'])
  const order = Array.from({ length: 8 }, () => made.next('target')?.device)
  expect(order).toEqual(['a', 'b', 'c', 'a', 'b', 'a', 'a', undefined])
})

test('who has left has no turn, and nobody is left behind', () => {
  const { room: made, openers } = room(['a', 'a', 'b'])
  for (const one of openers.slice(0, 2)) made.delete(one)
  expect([made.next('other'), made.next('target'), made.next('target')]).toEqual([null, openers[2], null])
  expect([...made.openers]).toHaveLength(0)
})

test('in any order of coming, leaving and being served nobody waits longer than every other device’s turn', () => {
  const step = fc.oneof(
    { weight: 3, arbitrary: fc.record({ come: fc.constantFrom('a', 'b', 'c', 'd') }) },
    { weight: 2, arbitrary: fc.constant({ serve: true } as const) },
    { weight: 1, arbitrary: fc.record({ leave: fc.nat(20) }) }
  )
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const made = new WaitingRoom<Opener>()
      let waiting: (Opener & { overtakenBy: Map<string, number> })[] = []
      for (const [number, one] of steps.entries()) {
        if ('come' in one) {
          const opener = { device: one.come, number, overtakenBy: new Map<string, number>() }
          waiting.push(opener)
          made.add('target', one.come, opener)
        } else if ('leave' in one) {
          const gone = waiting[one.leave]
          if (gone === undefined) continue
          waiting = waiting.filter((other) => other !== gone)
          made.delete(gone)
        } else {
          const served = made.next('target')
          expect(served === null).toBe(waiting.length === 0)
          if (served === null) continue
          waiting = waiting.filter((other) => other !== served)
          // The first of each device that waits: between two of its turns each other device has one.
          const firsts = waiting.filter(
            (other, i) => waiting.findIndex(({ device }) => device === other.device) === i
          )
          for (const first of firsts) {
            if (first.device === served.device) continue
            const times = (first.overtakenBy.get(served.device) ?? 0) + 1
            first.overtakenBy.set(served.device, times)
            expect(times).toBe(1)
          }
          expect(served).toBe(
            [served, ...waiting]
              .filter(({ device }) => device === served.device)
              .sort((x, y) => x.number - y.number)[0]
          )
        }
        expect([...made.openers]).toHaveLength(waiting.length)
      }
    })
  )
})
