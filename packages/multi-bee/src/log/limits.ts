/** Longest encoded key, in bytes. */
export const MAX_KEY_BYTES: number = 16 * 1024
/** Longest encoded value, in bytes. */
export const MAX_VALUE_BYTES: number = 8 * 1024 * 1024
/** Largest block this package writes or reads: Hypercore's own limit (`MAX_SUGGESTED_BLOCK_SIZE` in hypercore/index.js) with room for its padding. */
export const MAX_BLOCK_BYTES: number = 15 * 1024 * 1024
/** A transaction is cut into blocks of about this many bytes; one operation is never cut. */
export const CHAIN_BLOCK_BYTES: number = 1024 * 1024
/** Most blocks in one transaction. */
export const MAX_CHAIN_BLOCKS: number = 64
/** Most bytes in one transaction, over all its blocks. */
export const MAX_TRANSACTION_BYTES: number = 64 * 1024 * 1024
/** Most writers one log may mention. */
export const MAX_WRITERS_PER_LOG: number = 1024
/** Most membership records in one transaction. */
export const MAX_RECORDS: number = 1024
/** Most membership records in one log: all of them are kept in memory, and every change of membership goes over them. */
export const MAX_RECORDS_PER_LOG: number = 2048
/** Longest device name, in bytes. */
export const MAX_NAME_BYTES: number = 256
/** Most operations in one transaction: a block full of the shortest ones would take a hundred times its size in memory. */
export const MAX_OPERATIONS: number = 2 ** 20
/** Most different `seen` vectors in one transaction: each is as long as the list of all writers, however short it is in the block. */
export const MAX_SEEN_VECTORS: number = 4096
