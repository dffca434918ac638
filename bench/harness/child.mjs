// The other end of run-child.mjs: takes one task, does it, answers, ends.
// Ctrl-C reaches the whole group; the bench itself ends its children, in order.
process.on('SIGINT', () => {})
process.once('disconnect', () => process.exit(1))
process.once('message', (task) => {
  run(/** @type {{ module: string, step: string, input: object }} */ (task)).then(
    (result) => answer({ result }),
    (error) => answer({ error: error instanceof Error ? error.stack : String(error) })
  )
})

/** @param {{ module: string, step: string, input: object }} task */
async function run({ module, step, input }) {
  const { steps } = await import(module)
  return { values: await steps[step](input) }
}

/** @param {object} message */
function answer(message) {
  process.send?.(message, () => process.exit(0))
}
