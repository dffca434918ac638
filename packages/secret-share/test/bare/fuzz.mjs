// Bundled by bare.test.ts, and run on Bare.
import { fuzzAnywhere } from '../fuzz/portable.ts'

console.log(JSON.stringify(fuzzAnywhere(2_000, 1)))
