import type { Option } from 'commander'
import { readFile } from '#fs'
import { RelayError } from '../errors.ts'
import { revokedOf, truthOf, variableOf } from './arguments.ts'
import type { Surroundings } from './surroundings.ts'

/** What the environment says. A variable that is empty is none: compose files make such. @throws RelayError `RELAY_BAD_ARGUMENT` */
export function settingsOf(
  { environment }: Surroundings,
  options: readonly Option[]
): Record<string, unknown> {
  const entries = options.flatMap((option) => {
    const name = option.attributeName()
    const value = environment[variableOf(name)]
    const wrong = (why: string): RelayError =>
      new RelayError('RELAY_BAD_ARGUMENT', `${variableOf(name)}: ${why}`)
    return value === undefined || value === '' ? [] : [[name, parsed(option, value, wrong)]]
  })
  return Object.fromEntries(entries) as Record<string, unknown>
}

/** What a file says: an object of options by their names. @throws RelayError `RELAY_BAD_ARGUMENT` */
export async function settingsIn(file: string, options: readonly Option[]): Promise<Record<string, unknown>> {
  const wrong = (why: string, cause?: unknown): RelayError =>
    new RelayError('RELAY_BAD_ARGUMENT', `${file}: ${why}`, { cause })
  const read: unknown = await readFile(file, 'utf8')
    .then((text) => JSON.parse(text) as unknown)
    .catch((error: unknown) => {
      throw wrong('cannot be read as JSON', error)
    })
  if (typeof read !== 'object' || read === null) throw wrong('an object is needed')
  const entries = Object.entries(read).flatMap(([name, value]) => {
    const option = options.find((option) => option.attributeName() === name)
    if (option === undefined) throw wrong(`there is no option ${name}`)
    return value === null || value === '' ? [] : [[name, parsed(option, value, wrong)]]
  })
  return Object.fromEntries(entries) as Record<string, unknown>
}

/** What the environment and a file revoke, as far as it can be read: nothing else that is wrong there keeps a device that was stolen. */
export async function revokedIn({ environment }: Surroundings, file: string | null): Promise<Uint8Array[]> {
  const read: unknown =
    file === null
      ? null
      : await readFile(file, 'utf8')
          .then((text) => JSON.parse(text) as unknown)
          .catch(() => null)
  const words = [environment[variableOf('revoke')], (read as { revoke?: unknown } | null)?.revoke].flat()
  return words
    .flatMap((word) => (typeof word === 'string' ? word.split(',') : []))
    .flatMap((word) => {
      try {
        return revokedOf(word)
      } catch {
        return []
      }
    })
}

/** As if it had been written on the command line. */
function parsed(option: Option, value: unknown, wrong: (why: string) => RelayError): unknown {
  const words = (Array.isArray(value) ? value : [value]).map(String)
  try {
    if (option.isBoolean()) return truthOf(value)
    const { parseArg } = option
    if (parseArg === undefined) throw new Error('This is not read from there.')
    return words.reduce<unknown>((others, word) => parseArg(word, others as never), undefined)
  } catch (error) {
    throw wrong(`${option.attributeName()}: ${(error as Error).message}`)
  }
}
