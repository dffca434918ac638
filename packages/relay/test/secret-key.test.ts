import { spawnSync } from 'node:child_process'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { tmpDir } from '@cloudpal/test-kit'
import crypto from 'hypercore-crypto'
import { expect, test } from 'vitest'
import { EXIT } from '../src/cli/program.ts'
import { startProgram } from './program.ts'

const BIN = join(import.meta.dirname, '../dist/cli/bin.js')
const key = Buffer.from(crypto.keyPair().publicKey).toString('hex')

test('programs that start at once have one key, and leave nothing beside it', async () => {
  const dir = await tmpDir()
  const keys = Array.from({ length: 10 }, () => startProgram(['key', '--key-file', join(dir, 'relay.key')]))
  for (const { exit } of keys) expect(await exit).toBe(EXIT.ok)
  expect(new Set(keys.map(({ out }) => out[0])).size).toBe(1)
  expect(await readdir(dir)).toEqual(['relay.key'])
})

test.skipIf(process.platform === 'win32')(
  'a key that finds no room on the disk leaves nothing behind',
  async () => {
    const dir = await tmpDir()
    const program = `exec '${process.execPath}' '${BIN}' key --key-file '${join(dir, 'relay.key')}'`
    const { status, stderr } = spawnSync('sh', ['-c', `ulimit -f 0; ${program}`], { encoding: 'utf8' })
    expect([status, stderr]).toEqual([EXIT.usage, expect.stringContaining('cannot be made')])
    expect(await readdir(dir)).toEqual([])
  }
)

test.each<[string, string[]]>([
  ['grant', ['--device', key, '--days', '1', '--issuer-key-file']],
  ['replicas', ['--replica', `${key}=tcp://127.0.0.1:4989`, '--owner-key-file']]
])('%s signs with no key that would be made for it', async (command, words) => {
  const dir = await tmpDir()
  const program = startProgram([command, ...words, join(dir, 'onwer.key')])
  expect([await program.exit, program.out]).toEqual([EXIT.usage, []])
  expect(program.err.join()).toContain('onwer.key is not there')
  expect(await readdir(dir)).toEqual([])
})
