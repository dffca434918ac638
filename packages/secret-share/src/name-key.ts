/**
 * What two names are compared by, as people see them: the Nickname profile of PRECIS (RFC 8266, section 2.4). Spaces, case and
 * compatibility forms do not count, nor do joiners, which often show as nothing. Never written down: it depends on the engine's Unicode.
 */
export function nameKey(name: string): string {
  const folded = name.normalize('NFKC').toLowerCase().normalize('NFKC')
  return folded
    .replaceAll(/\u00AD|[\u200B-\u200D]|\u2060|\uFE0F/g, '')
    .replaceAll(/\s+/g, ' ')
    .trim()
}
