// The process in between. Says what it offers, and whenever it is asked what it has carried and how much processor time it took.
import { wayOf } from '../ways/ways.mjs'

const way = await wayOf(process.argv[2])
const { info, carried = () => 0 } = await way.relay()
process.on('message', () => void answer())
process.once('disconnect', () => process.exit(0))
process.send?.({ info })

async function answer() {
  const { user, system } = process.cpuUsage()
  process.send?.({ carried: await carried(), cpuSeconds: (user + system) / 1e6 })
}
