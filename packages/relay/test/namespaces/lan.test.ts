import { expect, test } from 'vitest'
import { canMakeWorlds, onLan } from './world.ts'

interface Meeting {
  found: { at: string; said?: string; refused?: boolean }[]
}

const SAID = 'hello from the one you know'

test.skipIf(!canMakeWorlds())('two devices find each other on a network that leads nowhere', async () => {
  const { found } = await onLan<Meeting>('lan-meeting.mjs', { hasImpostor: false })
  expect(found).toEqual([{ at: '10.3.0.2', said: SAID }])
})

test.skipIf(!canMakeWorlds())('an impostor is found too, and says nothing that is believed', async () => {
  const { found } = await onLan<Meeting>('lan-meeting.mjs', { hasImpostor: true })
  expect(found).toContainEqual({ at: '10.3.0.2', said: SAID })
  expect(found).toContainEqual({ at: '10.3.0.3', refused: true })
})
