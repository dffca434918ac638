import { isNeverShown } from './format/label-characters.ts'

/**
 * What two names are compared by, as people see them: the Nickname profile of PRECIS (RFC 8266, section 2.4). Spaces, case and
 * compatibility forms do not count, nor does whatever no label may have, joiners, which often show as nothing, or whether quotes are curly or
 * straight. Never written down: it depends on the engine's Unicode.
 */
export function nameKey(name: string): string {
  const folded = name.normalize('NFKC').toLowerCase().normalize('NFKC').replaceAll(/\s+/g, ' ')
  return Array.from(folded)
    .filter((character) => !isNeverShown(character.codePointAt(0) ?? 0))
    .join('')
    .replaceAll(/[\u2018-\u201B\u2032\u02BC]/g, "'")
    .replaceAll(/[\u201C-\u201F]|''/g, '"')
    .replaceAll(/ +/g, ' ')
    .trim()
}

/** Whether people take them for the same. */
export function sameName(a: string, b: string): boolean {
  return nameKey(a) === nameKey(b)
}
