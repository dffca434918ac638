// `npm start`: runs the story in a directory that is gone afterwards.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { tell } from './story.mjs'

const directory = mkdtempSync(join(tmpdir(), 'cold-shards-'))
try {
  await tell(directory, (line) => console.log(line))
} finally {
  rmSync(directory, { recursive: true, force: true })
}
