// Bundled with `@cloudpal/secret-share/paper/crypto` in place of Node's `crypto`, and run in a browser and on Bare.
import vectors from 'slip39/test/vectors.json' with { type: 'json' }
import { fromPaper, toPaper } from '../../src/paper/index.ts'

/** @param {Uint8Array} bytes */
const hex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')

/** @param {string[]} lists */
function read(lists) {
  try {
    return hex(fromPaper(lists, { passphrase: 'TREZOR' }))
  } catch (error) {
    return /** @type {{ code: string }} */ (error).code
  }
}

/** What is not as it should be: the official vectors, and words made here and read again. */
export function checkPaper() {
  /** @type {[description: string, lists: string[], secret: string][]} */
  const official = /** @type {never} */ (vectors)
  const wrong = official.flatMap(([description, lists, secret]) => {
    return read(lists) === (secret || 'SECRET_SHARE_PAPER') ? [] : [description]
  })
  const secret = Uint8Array.from({ length: 32 }, (_, i) => i)
  const groups = [{ name: 'friends', threshold: 2, members: 3 }]
  const { groups: made, fingerprint } = toPaper(secret, { groups, passphrase: 'correct horse' })
  const again = fromPaper((made[0] ?? []).slice(1), { passphrase: 'correct horse', fingerprint })
  if (hex(again) !== hex(secret)) wrong.push('words made here')
  return { read: official.length, wrong }
}
