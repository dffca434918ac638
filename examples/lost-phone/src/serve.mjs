import HyperDHT from 'hyperdht'
import Hyperswarm from 'hyperswarm'

/** What a process is told when it starts. */
const [folder = '', bootstrap = '[]'] = process.argv.slice(2)
export { folder }

/**
 * A place on the network. An app on the real one needs none of these options: `new Hyperswarm()`. Here nothing leaves the computer.
 *
 * @returns {Hyperswarm}
 */
export function connect() {
  const keyPair = HyperDHT.keyPair()
  const local = { host: '127.0.0.1', firewalled: false, bootstrap: JSON.parse(bootstrap) }
  return new Hyperswarm({ keyPair, dht: new HyperDHT({ keyPair, ...local }) })
}

/**
 * Does what the parent asks for, one call after the other or several at once.
 *
 * @param {Record<string, (...args: never[]) => unknown>} commands
 */
export function serve(commands) {
  process.on(
    'message',
    (/** @type {{ id: number, command: string, args: never[] }} */ { id, command, args }) => {
      Promise.resolve()
        .then(() => commands[command]?.(...args))
        .then(
          (result) => process.send?.({ id, result }),
          (error) => process.send?.({ id, error: error instanceof Error ? error.message : String(error) })
        )
    }
  )
  // Ctrl-C reaches every process of a terminal; the parent decides what becomes of it.
  process.on('SIGINT', () => {})
  process.on('disconnect', () => process.exit())
}

/** @param {Uint8Array} bytes */
export function toHex(bytes) {
  return Buffer.from(bytes).toString('hex')
}

/** @param {string} hex */
export function fromHex(hex) {
  return Uint8Array.from(Buffer.from(hex, 'hex'))
}
