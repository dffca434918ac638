import b4a from 'b4a'

/** Comparisons that any test runner understands: they throw. */
export class Checks {
  readonly equal = (actual: unknown, expected: unknown): void => {
    const [left, right] = [JSON.stringify(actual), JSON.stringify(expected)]
    if (left !== right) throw new Error(`${brief(left)} instead of ${brief(right)}`)
  }

  readonly equalBytes = (actual: Uint8Array | undefined, expected: Uint8Array): void => {
    if (actual === undefined || !b4a.equals(actual, expected)) throw new Error('other bytes than expected')
  }

  readonly rejects = async (code: string, promise: Promise<unknown>): Promise<void> => {
    const error: unknown = await promise.then(
      () => null,
      (reason: unknown) => reason
    )
    if (error === null) throw new Error(`it works, and should fail with ${code}`)
    this.equal((error as { code?: unknown }).code, code)
  }
}

function brief(text: string | undefined): string {
  return text === undefined ? 'undefined' : text.slice(0, 500)
}
