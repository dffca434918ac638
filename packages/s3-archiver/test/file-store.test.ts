import { mkdir, readdir, utimes, writeFile } from 'node:fs/promises'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { dirname, join } from 'node:path'
import b4a from 'b4a'
import { expect, test } from 'vitest'
import { collect, tmpDir } from '@cloudpal/test-kit'
import { FileStore } from '../src/index.ts'

test('a name below an object, or above some, is refused', async () => {
  const store = new FileStore(await tmpDir())
  await store.putIfAbsent('a/b', b4a.from('x'))
  for (const name of ['a', 'a/b/c', 'a/b/c/d'])
    await expect(store.putIfAbsent(name, b4a.from('x'))).rejects.toMatchObject({
      code: 'S3_ARCHIVER_STORE_BAD_NAME'
    })
  expect(await store.getRange('a', { start: 0, end: 1 })).toBeNull()
  expect(await store.head('a')).toBeNull()
  expect(await store.getRange('a/b/c', { start: 0, end: 1 })).toBeNull()
})

test('what others keep in the directory is not touched', async () => {
  const directory = await tmpDir()
  await mkdir(join(directory, '.git'))
  await writeFile(join(directory, '.git', 'config'), 'x')
  const store = new FileStore(directory)
  await store.putIfAbsent('a', b4a.from('x'))
  expect((await collect(store.list(''))).map(({ name }) => name)).toEqual(['a'])
  expect(await readdir(join(directory, '.git'))).toEqual(['config'])
})

test('what a killed process left unfinished goes after a day, and not before', async () => {
  const directory = await tmpDir()
  const unfinished = join(directory, '.unfinished')
  await mkdir(unfinished)
  await writeFile(join(unfinished, 'old'), 'x')
  await writeFile(join(unfinished, 'new'), 'x')
  const before = Date.now() / 1000 - 25 * 60 * 60
  await utimes(join(unfinished, 'old'), before, before)
  await new FileStore(directory).putIfAbsent('a', b4a.from('x'))
  expect(await readdir(unfinished)).toEqual(['new'])
})

test('a process that is killed in the middle of its puts leaves whole objects only, and all it told of', async () => {
  const directory = await tmpDir()
  for (let round = 0; round < 10; round++) {
    const script = fileURLToPath(new URL('processes/putting.mjs', import.meta.url))
    const child = spawn(process.execPath, [script, directory, `${round}`], {
      stdio: ['ignore', 'pipe', 'inherit']
    })
    let output = ''
    child.stdout.on('data', (data: Buffer) => {
      output += data.toString()
      if (output.split('\n').length > 3 + round) child.kill('SIGKILL')
    })
    await once(child, 'close')
    const told = output.split('\n').slice(0, -1)
    expect(told.length).toBeGreaterThanOrEqual(3)
    const store = new FileStore(directory)
    const found = await collect(store.list(`${round}/`))
    expect(found.every(({ size }) => size === 1_000_000)).toBe(true)
    const names = new Set(found.map(({ name }) => name))
    expect(told.filter((name) => !names.has(name))).toEqual([])
  }
})

test.each(['Thumbs.db', '@eaDir/index'])(
  'a file that a system lays beside objects (%s) is none',
  async (name) => {
    const directory = await tmpDir()
    const store = new FileStore(directory)
    await store.putIfAbsent('l/1', b4a.from('x'))
    const path = join(directory, 'l', name)
    await mkdir(dirname(path), { recursive: true })
    await writeFile(path, 'thumbs')
    expect((await collect(store.list(''))).map((info) => info.name)).toEqual(['l/1'])
  }
)
