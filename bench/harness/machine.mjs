import { availableParallelism, cpus } from 'node:os'

/** What the figures were taken on. */
export function machine() {
  const model = cpus()[0]?.model.trim() || process.arch
  return `${model}, ${availableParallelism()} cores, ${process.platform} ${process.arch}, Node ${process.versions.node}`
}
