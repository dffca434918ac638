/** What a process is told when it starts. @returns {any} */
export function settings() {
  return JSON.parse(process.argv[2] ?? '{}')
}

/** Says something that nobody asked for. @param {string} line */
export function tell(line) {
  process.send?.({ line })
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
