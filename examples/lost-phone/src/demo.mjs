import { runStory } from './story.mjs'

const { laptop, newPhone } = await runStory((line) => console.log(line))
process.exitCode = JSON.stringify(laptop.notes) === JSON.stringify(newPhone.notes) ? 0 : 1
