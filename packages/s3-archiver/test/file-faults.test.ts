import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdir, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import b4a from 'b4a'
import { expect, test, vi, type TestContext } from 'vitest'
import { collect, tmpDir } from '@cloudpal/test-kit'
import { FileStore } from '../src/index.ts'

/** What the file system is to answer instead, once for each call. */
const failures = vi.hoisted(() => ({ link: [] as string[], sync: [] as string[] }))
vi.mock('#fs', async (original) => {
  const fs = await original<typeof import('node:fs/promises')>()
  const failing = (code: string): Error => Object.assign(new Error(code), { code })
  return {
    ...fs,
    link: (from: string, to: string) => {
      const code = failures.link.shift()
      return code === undefined ? fs.link(from, to) : Promise.reject(failing(code))
    },
    open: async (path: string, flags: string) => {
      const file = await fs.open(path, flags)
      const code = flags === 'r' ? failures.sync.shift() : undefined
      if (code !== undefined && code !== '') file.sync = () => Promise.reject(failing(code))
      return file
    }
  }
})

const script = (name: string): string => fileURLToPath(new URL(`processes/${name}.mjs`, import.meta.url))

/** The usual reporter says that tests were skipped, and not why. */
function skip(context: TestContext, reason: string): never {
  console.warn(`Skipped: ${reason.trim()}`)
  return context.skip(reason)
}

test.each(['EPERM', 'ENOTSUP', 'ENOSYS', 'EXDEV'])(
  'without hard links (%s) a put says so and leaves nothing behind',
  async (code) => {
    const directory = await tmpDir()
    const store = new FileStore(directory)
    failures.link = [code]
    await expect(store.putIfAbsent('a', b4a.from('x'))).rejects.toMatchObject({
      code: 'S3_ARCHIVER_STORE_NO_CONDITIONS',
      retryable: false,
      ambiguous: false
    })
    expect(await readdir(join(directory, '.unfinished'))).toEqual([])
    expect(await collect(store.list(''))).toEqual([])
  }
)

test('a put whose name could not be synced is ambiguous: it may be there', async () => {
  const store = new FileStore(await tmpDir())
  await store.putIfAbsent('first', b4a.from('x'))
  failures.sync = ['EIO']
  await expect(store.putIfAbsent('a', b4a.from('x'))).rejects.toMatchObject({
    code: 'S3_ARCHIVER_STORE_FAILED',
    ambiguous: true
  })
  expect(await store.head('a')).toMatchObject({ size: 1 })
})

test('a file system that syncs no directories is used all the same', async () => {
  const store = new FileStore(await tmpDir())
  failures.sync = Array.from({ length: 10 }, () => 'EINVAL')
  expect(await store.putIfAbsent('a/b', b4a.from('x'))).toBe(true)
  failures.sync = []
})

test('directories are synced upwards, also those that another process has made', async () => {
  const directory = await tmpDir()
  await mkdir(join(directory, 'a', 'b'), { recursive: true })
  const store = new FileStore(directory)
  await store.putIfAbsent('first', b4a.from('x'))
  // The first two syncs are those of what `a` and `a/b` lie in.
  for (const failing of [['EIO'], ['', 'EIO']]) {
    failures.sync = failing
    await expect(store.putIfAbsent('a/b/c', b4a.from('x'))).rejects.toMatchObject({ ambiguous: false })
    failures.sync = []
  }
  expect(await store.putIfAbsent('a/b/c', b4a.from('x'))).toBe(true)
})

test('a path that the file system does not take has a code', async () => {
  const directory = await tmpDir()
  const store = new FileStore(join(directory, ...Array.from({ length: 42 }, () => 'n'.repeat(100))))
  const code = 'S3_ARCHIVER_STORE_BAD_NAME'
  await expect(store.putIfAbsent('a', b4a.from('x'))).rejects.toMatchObject({ code })
  await expect(store.head('a')).rejects.toMatchObject({ code })
})

test('processes that race for the names of a new directory share them, each name once', async () => {
  const directory = join(await tmpDir(), 'not', 'there')
  const count = 500
  const racers = ['a', 'b', 'c'].map((mark) => {
    const child = spawn(process.execPath, [script('racing'), directory, mark, `${count}`], {
      stdio: ['pipe', 'pipe', 'inherit']
    })
    return { mark, child }
  })
  await Promise.all(racers.map(({ child }) => once(child.stdout, 'data')))
  for (const { child } of racers) child.stdin.write('go')
  const outputs = await Promise.all(racers.map(({ child }) => text(child.stdout)))
  const made = outputs.map((output) => JSON.parse(output) as string[])
  expect(made.flat().toSorted()).toEqual(Array.from({ length: count }, (_, i) => `${i % 16}/${i}`).toSorted())
  const store = new FileStore(directory)
  for (const [i, { mark }] of racers.entries())
    for (const name of made[i] ?? [])
      expect(b4a.toString((await store.getRange(name, { start: 0, end: 9 }))?.bytes ?? b4a.alloc(0))).toBe(
        mark
      )
})

test('what the system does not allow has a code', async (context) => {
  if (process.platform === 'win32') skip(context, 'permissions are those of POSIX')
  const directory = await tmpDir()
  const store = new FileStore(directory)
  for (const name of ['open', 'closed']) await store.putIfAbsent(name, b4a.from('x'))
  await chmod(join(directory, 'closed'), 0)
  await chmod(directory, 0o555)
  // The superuser may do anything.
  const user = process.getuid?.() === 0 ? { uid: 65534, gid: 65534 } : {}
  const child = spawn(process.execPath, [script('denied'), directory], {
    ...user,
    cwd: '/',
    stdio: ['ignore', 'pipe', 'inherit']
  })
  const output = await text(child.stdout)
  await chmod(directory, 0o755)
  const denied = 'S3_ARCHIVER_STORE_DENIED'
  expect(JSON.parse(output)).toEqual({
    put: denied,
    get: 'resolved',
    closed: denied,
    delete: denied,
    below: denied
  })
})

test('a full disk, a read-only one, and one inside another have codes, and harm nothing', async (context) => {
  if (process.platform !== 'linux') skip(context, 'the disks would be a tmpfs of Linux')
  const namespace = process.getuid?.() === 0 ? '-m' : '-rm'
  const child = spawn('unshare', [namespace, process.execPath, script('disks')], {
    stdio: ['ignore', 'pipe', 'pipe']
  })
  const [output, errors] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close')
  ]).catch((error: Error) => ['', error.message])
  if (output === '' && /unshare/.test(errors)) skip(context, errors)
  expect(errors).toBe('')
  const { skipped, told, ...report } = JSON.parse(output) as { skipped?: string; told: number }
  if (skipped !== undefined) skip(context, skipped)
  expect(told).toBeGreaterThan(2)
  expect(report).toEqual({
    full: 'S3_ARCHIVER_STORE_UNAVAILABLE retryable',
    whole: told,
    unfinished: 0,
    delete: 'resolved',
    room: 'resolved',
    inside: 'S3_ARCHIVER_STORE_NO_CONDITIONS',
    insideNames: 0,
    readOnly: 'S3_ARCHIVER_STORE_DENIED',
    readOnlyDelete: 'S3_ARCHIVER_STORE_DENIED',
    readOnlyWhole: told
  })
})
