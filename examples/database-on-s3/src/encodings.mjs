/** How keys and values are stored; the same for who writes and who reads. */
export const ENCODINGS = /** @type {const} */ ({
  keyEncoding: 'utf-8',
  valueEncoding: 'json',
  extension: false
})
