// Runs before every root script: installs what is missing, then builds. Needs Node and npm, nothing else.
import { createHash } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { buildPackages } from './build.mjs'
import { pnpm, root } from './commands.mjs'

const stamp = resolve(root, 'node_modules', '.installed')

checkNode()
await install()
if (!(await buildPackages())) process.exit(1)

function checkNode() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  if (major > 20 || (major === 20 && minor >= 19)) return
  console.error(`This repository needs Node 20.19 or newer; this is ${process.version}.`)
  process.exit(1)
}

async function install() {
  const wanted = installState()
  if (read(stamp) === wanted) return
  console.log('Installing dependencies (once; takes about a minute on a fresh machine) …')
  const { code } = await pnpm(['install', '--frozen-lockfile'], { env: { CI: 'true' } })
  if (code !== 0) process.exit(code)
  writeFileSync(stamp, wanted)
}

/** The lockfile and the platform decide what is in node_modules. */
function installState() {
  const lockfile = readFileSync(resolve(root, 'pnpm-lock.yaml'))
  return createHash('sha256').update(lockfile).update(`${process.platform}-${process.arch}`).digest('hex')
}

/** @param {string} file */
function read(file) {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return null
  }
}
