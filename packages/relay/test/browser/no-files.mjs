// In place of fs and path, in a page.
const missing = async () => {
  throw Object.assign(new Error('there are no files'), { code: 'ENOENT' })
}
export const promises = { stat: missing, access: missing, unlink: missing }
/** @param {string[]} parts */
export const join = (...parts) => parts.join('/')
// oxlint-disable-next-line import/no-default-export -- as what it stands for
export default { promises, join }
