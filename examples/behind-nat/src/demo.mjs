import { whyNoWorld, inWorld } from './world.mjs'

const missing = whyNoWorld()
if (missing === null) {
  const { laptop, phone } = await inWorld((line) => console.log(line))
  process.exitCode = JSON.stringify(laptop) === JSON.stringify(phone) ? 0 : 1
} else {
  console.log(`This story needs network namespaces: ${missing}.`)
  process.exitCode = 1
}
