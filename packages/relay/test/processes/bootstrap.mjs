// A bootstrap node, until it is killed.
import { BootstrapNode } from '../../dist/bootstrap/index.js'
import { config, listen, say } from './process.mjs'

/** @type {{ host: string, port: number }} */
const { host, port } = config()
const bootstrap = new BootstrapNode({ host, port, bindHost: host })
await bootstrap.ready()
listen(() => {})
say({ up: true })
