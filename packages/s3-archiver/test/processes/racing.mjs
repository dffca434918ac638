// Puts the same names as other processes do at the same time, and tells which of them it made.
import { FileStore } from '../../dist/index.js'

const [directory = '', mark = '', count = ''] = process.argv.slice(2)
// All open the directory anew: what it lies in is made by whoever comes first.
const store = new FileStore(directory)
process.stdout.write('ready\n')
await new Promise((resolve) => process.stdin.once('data', resolve))
const made = []
for (let i = 0; i < Number(count); i += 10) {
  const names = Array.from({ length: 10 }, (_, j) => `${(i + j) % 16}/${i + j}`)
  const bytes = new TextEncoder().encode(mark)
  const results = await Promise.all(names.map((name) => store.putIfAbsent(name, bytes)))
  made.push(...names.filter((_, j) => results[j]))
}
process.stdout.write(JSON.stringify(made))
process.stdin.destroy()
