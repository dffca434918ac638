// As on a machine where hyperdht is not installed: given to node by --import.
import { register } from 'node:module'

const hooks = `export async function resolve(name, context, next) {
  if (name === 'hyperdht') throw Object.assign(new Error('Cannot find package hyperdht'), { code: 'ERR_MODULE_NOT_FOUND' })
  return next(name, context)
}`
register(`data:text/javascript,${encodeURIComponent(hooks)}`)
