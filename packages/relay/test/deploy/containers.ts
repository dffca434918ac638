import { execFile, execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'

const execute = promisify(execFile)

const DOCKERFILE = join(import.meta.dirname, '../../deploy/Dockerfile')
const text = readFileSync(DOCKERFILE, 'utf8')
const BASE = /^FROM (\S+)$/m.exec(text)?.[1] ?? ''

const { name: NAME, missing } = engineHere()
/** What is missing to build and run an image here; `null` when nothing is. */
export const whyNoImage: string | null = missing

/** Says something to podman or docker, whichever is there. @returns what it prints */
export async function engine(...words: string[]): Promise<string> {
  return (await tell(words)).stdout.trim()
}

/** What a container has said on its standard output, and as errors. */
export async function logsOf(container: string): Promise<{ stdout: string; stderr: string }> {
  return tell(['logs', container])
}

/** Builds what the Dockerfile says, of a registry of this machine. */
export async function buildImage(tag: string, registry: string, context: string): Promise<void> {
  // Else podman leaves the health check out.
  const format = NAME === 'podman' ? ['--format', 'docker'] : []
  const args = ['VERSION=latest', `NPM_CONFIG_REGISTRY=${registry}`].flatMap((one) => ['--build-arg', one])
  await engine('build', ...format, '--network', 'host', ...args, '--tag', tag, '--file', DOCKERFILE, context)
}

/** The words that the Dockerfile names to run it. */
export function runWords(): string[] {
  const [, words = ''] = /^# docker (run (?:.*\\\n)*.*)$/m.exec(text) ?? []
  return words
    .replaceAll(/\\\n#/g, '')
    .split(' ')
    .filter((word) => word !== '')
}

/** Bytes of an image, and of the one that it stands on. */
export async function sizesOf(tag: string): Promise<{ image: number; base: number }> {
  const [image, base] = await Promise.all(
    [tag, BASE].map(async (name) => Number(await engine('image', 'inspect', '--format', '{{.Size}}', name)))
  )
  return { image: image ?? 0, base: base ?? 0 }
}

async function tell(words: readonly string[]): Promise<{ stdout: string; stderr: string }> {
  return execute(NAME, words, { maxBuffer: 64 * 1024 * 1024 })
}

/** The first that can run what the Dockerfile begins with. Nothing is fetched for a test. */
function engineHere(): { name: string; missing: string | null } {
  let missing = 'neither podman nor docker is here'
  for (const name of ['podman', 'docker']) {
    try {
      execFileSync(name, ['version'], { stdio: 'ignore' })
    } catch {
      continue
    }
    try {
      execFileSync(name, ['image', 'inspect', BASE], { stdio: 'ignore' })
    } catch {
      missing = `${name} has no ${BASE} here, which \`${name} pull ${BASE}\` fetches, and test/deploy/base-image.sh makes`
      continue
    }
    try {
      execFileSync(name, ['run', '--rm', '--network', 'none', BASE, 'true'], { stdio: 'pipe' })
      return { name, missing: null }
    } catch (error) {
      missing = `${name} runs nothing here: ${String((error as { stderr?: unknown }).stderr).trim()}`
    }
  }
  return { name: '', missing }
}
