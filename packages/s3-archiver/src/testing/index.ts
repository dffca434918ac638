export { MemoryStore } from './memory-store.ts'
export { objectStoreConformance, type ConformanceCase, type ConformanceOptions } from './conformance.ts'
