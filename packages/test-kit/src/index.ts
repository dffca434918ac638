/**
 * What the tests of this repository share. Everything cleans up after itself when the test has finished;
 * outside a test pass a {@link Cleanup}.
 *
 * @packageDocumentation
 */
export { Cleanup, type CleanupOptions, type CleanupPhase, testCleanup } from './cleanup.ts'
export { collect } from './collect.ts'
export { type ErrorCodes, errorCodes } from './error-codes.ts'
export { type FakeClock, fakeClock } from './fake-clock.ts'
export { Mesh, mesh } from './mesh.ts'
export { type SeededRandom, seededRandom } from './seeded-random.ts'
export { type TestNetwork, testnet } from './testnet.ts'
export { tmpDir } from './tmp-dir.ts'
export { tmpStore, type TmpStoreOptions } from './tmp-store.ts'
export { type Truthy, until, type UntilOptions } from './until.ts'
export { type Replicable, replicate, Wire } from './wire.ts'
