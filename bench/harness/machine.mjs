import { availableParallelism, cpus } from 'node:os'

/**
 * Where and when figures were taken; part of every line, so that lines of several runs can be told apart.
 *
 * @typedef {{ date: string, machine: string, node: string }} Provenance
 */

/** @returns {Provenance} of this process */
export function provenance() {
  const model = cpus()[0]?.model.trim() || process.arch
  return {
    date: new Date().toISOString().slice(0, 10),
    machine: `${model}, ${availableParallelism()} cores, ${process.platform} ${process.arch}`,
    node: process.versions.node
  }
}
