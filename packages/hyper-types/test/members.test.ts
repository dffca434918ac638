import { afterAll, beforeAll, expect, test } from 'vitest'
import { parseDeclarations, readDeclarations } from './declarations.ts'
import { makeSpecimens, type Specimens } from './specimens.ts'

/** Never met at run time: what we pass in, or a map of types. */
const PASSED_IN = /(Options|Events|Range)$|:(CompactEncoding|CompactState|TreeNode)$/

let specimens: Specimens

beforeAll(async () => {
  specimens = await makeSpecimens()
})

afterAll(async () => {
  await specimens.close()
})

const declarations = readDeclarations().filter(({ id }) => !PASSED_IN.test(id))

test.each(declarations)('$id has every declared member', ({ id, instance }) => {
  const specimen = specimens.instances[id]
  if (instance.length > 0) expect(specimen, `add a specimen of ${id}`).toBeTruthy()
  expect(missing(instance, specimen)).toEqual([])
})

const classes = declarations.filter(({ isClass }) => isClass)

test.each(classes)('$id is a class with every static', ({ id, statics }) => {
  const constructor = specimens.classes[id]
  expect(constructor, `add the class ${id}`).toBeTypeOf('function')
  expect(specimens.instances[id]).toBeInstanceOf(constructor)
  expect(missing(statics, constructor)).toEqual([])
})

test('the parser sees the declarations it is meant to see', () => {
  const source = [
    "declare module 'x' {",
    '  export default class X {',
    '    constructor(path: string)',
    '    static make<T>(value: T): X',
    "    readonly 'peer-add': number",
    '    maybe?: number',
    '    get(',
    '      key: string',
    '    ): void',
    '  }',
    '}'
  ].join('\n')
  expect(parseDeclarations(source)).toEqual([
    { id: 'x:X', isClass: true, instance: ['peer-add', 'get'], statics: ['make'] }
  ])
  const hypercore = readDeclarations().find(({ id }) => id === 'hypercore:Hypercore')
  expect(hypercore?.instance.length).toBeGreaterThan(40)
})

function missing(names: readonly string[], specimen: unknown): string[] {
  return names.filter((name) => !(name in Object(specimen)))
}
