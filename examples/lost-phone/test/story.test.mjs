import { expect, test } from 'vitest'
import { runStory } from '../src/story.mjs'

test('a stolen phone is refused by the others, its later notes are in quarantine, and a new phone has all the rest', async () => {
  /** @type {string[]} */
  const lines = []
  const { refusal, laptop, newPhone } = await runStory((line) => void lines.push(line))
  expect(refusal).toBe('phone: KEY_ROTATION_DEVICE_REVOKED')
  const notes = { bread: 'one', milk: 'two litres', train: '8:15' }
  for (const shown of [laptop, newPhone]) {
    expect(shown.notes).toEqual(notes)
    expect(shown.quarantine.map(({ log, text }) => [log, text])).toEqual([
      ['log/phone', 'no train today'],
      ['log/phone', 'send the money here']
    ])
    expect(shown.devices).toEqual(['laptop', 'phone (compromised)', 'cloud', 'new phone'])
  }
  expect(lines.join('\n')).toContain('In quarantine')
})
