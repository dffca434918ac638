export { objectStoreConformance, type ConformanceCase, type ConformanceOptions } from './conformance.ts'
