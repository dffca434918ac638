// Bundled by paper-portable.test.ts, and run on Bare.
import { checkPaper } from './everywhere.mjs'

console.log(JSON.stringify(checkPaper()))
