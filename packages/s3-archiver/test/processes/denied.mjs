// What a directory's store says to a user who may not write or read it, as one line of JSON.
import { FileStore } from '../../dist/index.js'

const [directory = ''] = process.argv.slice(2)
const store = new FileStore(directory)
console.log(
  JSON.stringify({
    put: await outcome(store.putIfAbsent('new', new Uint8Array(1))),
    get: await outcome(store.getRange('open', { start: 0, end: 1 })),
    closed: await outcome(store.getRange('closed', { start: 0, end: 1 })),
    delete: await outcome(store.delete('open')),
    below: await outcome(new FileStore(`${directory}/new/directory`).putIfAbsent('a', new Uint8Array(1)))
  })
)

async function outcome(promise) {
  return promise.then(
    () => 'resolved',
    ({ code, retryable, ambiguous }) =>
      `${code}${retryable ? ' retryable' : ''}${ambiguous ? ' ambiguous' : ''}`
  )
}
