// A bootstrap node, until it is killed.
import { BootstrapNode } from '../../dist/bootstrap/index.js'
import { config, listen, say } from './process.mjs'

const { host, port } = /** @type {{ host: string, port: number }} */ (config())
const bootstrap = new BootstrapNode({ host, port, bindHost: host })
await bootstrap.ready()
listen(() => {})
say({ up: true })
