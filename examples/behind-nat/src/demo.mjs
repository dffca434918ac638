// Runs the story in a small internet of its own: npm start
import { spawn } from 'node:child_process'
import { fileURLToPath, pathToFileURL } from 'node:url'

const WORLD = fileURLToPath(new URL('../../../packages/relay/test/namespaces/world.sh', import.meta.url))
const STORY = fileURLToPath(new URL('story.mjs', import.meta.url))

/**
 * @param {(line: string) => void} print
 * @returns {Promise<number | null>} the exit code
 */
export async function demo(print) {
  const args = ['symmetric', 'symmetric', process.execPath, STORY]
  const child = spawn(WORLD, args, { stdio: ['pipe', 'pipe', 'inherit'] })
  let text = ''
  child.stdout.on('data', (data) => {
    text += String(data)
    const lines = text.split('\n')
    text = lines.pop() ?? ''
    for (const line of lines) print(line)
  })
  return new Promise((resolve, reject) => child.on('error', reject).on('close', (code) => resolve(code)))
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) {
    console.log(
      'This makes network namespaces: it needs root on Linux, with iproute2, nftables and util-linux.'
    )
    process.exit(1)
  }
  process.exitCode = (await demo((line) => console.log(line))) ?? 1
}
