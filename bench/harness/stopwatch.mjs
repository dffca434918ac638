/**
 * How long something takes, in ms.
 *
 * @param {() => Promise<unknown>} run
 */
export async function milliseconds(run) {
  const started = performance.now()
  await run()
  return performance.now() - started
}
