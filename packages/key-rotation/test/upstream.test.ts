import { tmpStore } from '@cloudpal/test-kit'
import { expect, test } from 'vitest'
import { checkUpstream } from '../src/cores/hypercore-adapter.ts'
import { codeOf } from './people.ts'

test('a hypercore that lacks what is needed is named, and this one has it', async () => {
  const core = (await tmpStore()).get({ name: 'a core' })
  await core.ready()
  expect(codeOf(() => checkUpstream(core))).toBe(null)
  expect(codeOf(() => checkUpstream({ core: {} }))).toBe('KEY_ROTATION_UNSUPPORTED_UPSTREAM')
  expect(() => checkUpstream({ core: {} })).toThrow('core.bitfield')
})
