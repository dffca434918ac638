import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import crypto from 'hypercore-crypto'
import { testCleanup, tmpDir, until } from '@cloudpal/test-kit'
import { validate } from 'dockerfile-utils'
import { expect, test } from 'vitest'
import { run } from '../src/cli/program.ts'

const read = (file: string): string => readFileSync(join(import.meta.dirname, '..', file), 'utf8')
const device = Buffer.from(crypto.keyPair().publicKey).toString('hex')

/** `NAME=value`s of a file, with what only a real machine has replaced: ports are any free ones. */
function environmentIn(text: string, dir: string): Record<string, string> {
  const found = [...text.matchAll(/^(?!#).*?(CLOUDPAL_RELAY_[A-Z_]+)=([^\s\\]+)/gm)].map(
    ([, name = '', value = '']) => [name, name.endsWith('_PORT') ? '0' : value.replace(/^.*[/]/, `${dir}/`)]
  )
  return Object.fromEntries(found) as Record<string, string>
}

async function listening(environment: Record<string, string>): Promise<Record<string, unknown>> {
  const abort = new AbortController()
  const out: string[] = []
  const err: string[] = []
  const surroundings = { environment, signal: abort.signal, onreload: () => {} }
  const words = { out: (line: string) => out.push(line), err: (line: string) => err.push(line) }
  const exit = run(['serve'], { ...surroundings, ...words })
  testCleanup().defer('network', async () => {
    abort.abort()
    await exit
  })
  await until(() => out.length + err.length > 0)
  expect(err).toEqual([])
  return JSON.parse(out[0] ?? '') as Record<string, unknown>
}

test('with what the Dockerfile sets, and devices, a relay listens and its health can be asked', async () => {
  const environment = environmentIn(read('deploy/Dockerfile'), await tmpDir())
  const ports = await listening({ ...environment, CLOUDPAL_RELAY_ALLOW: device })
  expect(ports).toMatchObject({ event: 'listening', tcp: expect.any(Number), ws: expect.any(Number) })
  const health = await fetch(`http://127.0.0.1:${String(ports['metrics'])}/health`)
  expect(health.status).toBe(200)
})

test('the health check of the Dockerfile asks where the metrics are, wherever that is', async () => {
  const dockerfile = read('deploy/Dockerfile')
  const [, command = ''] = /HEALTHCHECK .*\\\n\s*CMD (\[.*\])/.exec(dockerfile) ?? []
  const [program, ...words] = JSON.parse(command) as string[]
  expect(program).toBe('node')
  const check = async (port: unknown): Promise<number> => {
    const env = { ...process.env, CLOUDPAL_RELAY_METRICS_PORT: String(port) }
    const [code] = (await once(spawn(process.execPath, words, { env }), 'exit')) as [number]
    return code
  }
  const environment = environmentIn(dockerfile, await tmpDir())
  const { metrics, tcp } = await listening({ ...environment, CLOUDPAL_RELAY_ALLOW: device })
  expect([await check(metrics), await check(tcp)]).toEqual([0, 1])
})

test('the Dockerfile is without faults, and without what is deprecated', () => {
  expect(validate(read('deploy/Dockerfile')).map(({ message }) => message)).toEqual([])
})

test('with what the systemd unit sets, and the configuration of DEPLOY.md, a relay listens', async () => {
  const dir = await tmpDir()
  const config = /`(\{ "tcpPort".*?\})`/.exec(read('DEPLOY.md'))?.[1] ?? ''
  await writeFile(
    join(dir, 'relay.json'),
    config.replaceAll(/Port": \d+/g, 'Port": 0').replace('<key>', device)
  )
  const environment = environmentIn(read('deploy/cloudpal-relay.service'), dir)
  expect(environment).toHaveProperty('CLOUDPAL_RELAY_CONFIG', `${dir}/relay.json`)
  expect(await listening(environment)).toMatchObject({ event: 'listening' })
})

test('the lines of the unit that end TLS say the last word once they are taken in', () => {
  const taken = read('deploy/cloudpal-relay.service').replaceAll(/^# ([A-Z]\w+=)/gm, '$1')
  const last = (name: string): string | undefined =>
    [...taken.matchAll(new RegExp(`^${name}=(.*)$`, 'gm'))].at(-1)?.[1]
  expect(last('CapabilityBoundingSet')).toBe('CAP_NET_BIND_SERVICE')
  expect(last('AmbientCapabilities')).toBe('CAP_NET_BIND_SERVICE')
  // In a user namespace of its own nobody may take a port below 1,024.
  expect(last('PrivateUsers')).toBe('no')
})

test('DEPLOY.md names no flag that there is not', async () => {
  const help: string[] = []
  const nothing = { environment: {}, signal: new AbortController().signal, onreload: () => {} }
  for (const command of ['serve', 'grant', 'key', 'replicas'])
    await run([command, '--help'], { ...nothing, out: (line) => help.push(line), err: () => {} })
  const flags = [...read('DEPLOY.md').matchAll(/(?<![\w-])--[a-z][a-z-]+/g)].map(([flag]) => flag)
  expect(flags.length).toBeGreaterThan(10)
  expect(flags.filter((flag) => !help.join('\n').includes(`${flag} `))).toEqual([])
})

test.skipIf(!hasSystemd())(
  'systemd takes the unit as it stands, but for where the program is, and calls it safe',
  async () => {
    const file = join(await tmpDir(), 'cloudpal-relay.service')
    const program = `ExecStart=${process.execPath} `
    await writeFile(file, read('deploy/cloudpal-relay.service').replace('ExecStart=/usr/bin/node ', program))
    const { status, stdout, stderr } = spawnSync('systemd-analyze', ['verify', file], { encoding: 'utf8' })
    expect({ status, said: stdout + stderr }).toEqual({ status: 0, said: '' })
    // In tenths of what systemd calls exposure: below 20 of 100 it is as closed as what needs the network can be.
    const security = ['security', '--offline=true', '--threshold=20', '--no-pager', file]
    expect(spawnSync('systemd-analyze', security).status).toBe(0)
  }
)

/** Says so when it is not. */
function hasSystemd(): boolean {
  try {
    execFileSync('systemd-analyze', ['--version'], { stdio: 'ignore' })
    return true
  } catch {
    console.warn('Skipped: what systemd says of the unit. systemd-analyze is not installed.')
    return false
  }
}

test('systemd starts a relay again however often it has failed', () => {
  const unit = read('deploy/cloudpal-relay.service')
  expect(unit).toMatch(/^Restart=always$/m)
  expect(unit).toMatch(/^StartLimitIntervalSec=0$/m)
})
