// In JavaScript: the library's own types do not compile.
import bloomFilters from 'bloom-filters'

/** @param {string[]} keys */
export const bloomOf = (keys) => bloomFilters.BloomFilter.from(keys, 0.001)
