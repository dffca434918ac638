import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** One class or interface of a `.d.ts` file, with the members that must be there at run time. */
export interface Declaration {
  /** As in `hypercore:Peer`. */
  id: string
  isClass: boolean
  instance: string[]
  statics: string[]
}

const MODULE = /^declare module '(.+)' \{/
const DECLARATION = /^ {2}(?:export )?(?:default )?(class|interface) (\w+)/
const MEMBER = /^ {4}(static )?(?:readonly )?'?([\w-]+)'?[(<:]/

/** Reads every declared dependency beside this folder. Relies on the layout the formatter gives the files. */
export function readDeclarations(): Declaration[] {
  const folder = fileURLToPath(new URL('..', import.meta.url))
  const files = readdirSync(folder).filter((file) => file.endsWith('.d.ts') && file !== 'portable.d.ts')
  return files.flatMap((file) => parseDeclarations(readFileSync(`${folder}/${file}`, 'utf8')))
}

/** Optional members, constructors and call signatures are left out. */
export function parseDeclarations(source: string): Declaration[] {
  const found: Declaration[] = []
  let module = ''
  let current: Declaration | null = null
  for (const line of source.split('\n')) {
    const opensModule = MODULE.exec(line)
    const opens = DECLARATION.exec(line)
    const member = MEMBER.exec(line)
    if (opensModule) module = opensModule[1] ?? ''
    else if (opens) {
      const [, kind, name = ''] = opens
      current = { id: `${module}:${name}`, isClass: kind === 'class', instance: [], statics: [] }
      found.push(current)
    } else if (line.startsWith('  }')) current = null
    else if (current && member && member[2] !== 'constructor') {
      const list = member[1] ? current.statics : current.instance
      const name = member[2] ?? ''
      if (!list.includes(name)) list.push(name)
    }
  }
  return found
}
