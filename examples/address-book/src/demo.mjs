// npm run demo [-- my-contacts.vcf]
import { narrator } from './narrator.mjs'
import { runStory, SAMPLE } from './story.mjs'

const [file = SAMPLE] = process.argv.slice(2)
const stopping = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, () => stopping.abort())
// Whoever reads the output has gone: `npm run demo | head`.
process.stdout.on('error', () => stopping.abort())

const { tell, fail } = narrator(process.stdout)
try {
  await runStory({ file, tell, signal: stopping.signal })
} catch (error) {
  fail(stopping.signal.aborted ? 'Stopped; nothing is left behind.' : error)
  process.exitCode = stopping.signal.aborted ? 130 : 1
}
