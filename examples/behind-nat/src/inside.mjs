// The first process of the small internet: when it ends, so do the others, the namespaces and the links. It ends with its stdin, however its parent ends.
import { runStory } from './story.mjs'

/** @param {object} said */
function say(said) {
  process.stdout.write(`${JSON.stringify(said)}\n`)
}

process.stdin.on('close', () => process.exit()).resume()
const outcome = await runStory((line) => say({ line }))
say({ outcome })
process.stdin.destroy()
