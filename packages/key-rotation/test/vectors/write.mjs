// Writes v1.json anew, from dist/: only when the format has a new version.
import { writeFileSync } from 'node:fs'
import * as api from '../../dist/index.js'
import { makeVectors } from './make.mjs'

writeFileSync(new URL('v1.json', import.meta.url), `${JSON.stringify(makeVectors(api), null, 2)}\n`)
