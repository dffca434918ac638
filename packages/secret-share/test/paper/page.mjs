// Bundled by paper-portable.test.ts, and run in a browser.
import { checkPaper } from './everywhere.mjs'

Object.assign(globalThis, { checkPaper, buffered: () => 'Buffer' in globalThis })
