import { type CoreLink, type Draft, hex } from './state.ts'

/** Which draft made a list: it alone may change it. Else each of a name's roll-overs would copy all before it. */
const makers = new WeakMap<readonly CoreLink[], Draft>()

/** A name's cores, oldest first, to be changed. */
export function ownLinks(draft: Draft, name: string): CoreLink[] {
  const known = draft.cores.get(name) ?? []
  if (makers.get(known) === draft) return known as CoreLink[]
  const list = [...known]
  makers.set(list, draft)
  draft.cores.set(name, list)
  return list
}

export function addLink(draft: Draft, name: string, link: CoreLink): void {
  const links = ownLinks(draft, name)
  draft.places.set(hex(link.core), { name, index: links.length })
  links.push(link)
}
