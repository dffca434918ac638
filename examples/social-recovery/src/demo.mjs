import { runStory } from './story.mjs'

const { lost, found } = await runStory((line) => console.log(line))
process.exitCode = found.key === lost && found.writable ? 0 : 1
