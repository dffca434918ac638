import { UnionBeeError } from '../errors.ts'
import type { Policy, Source } from '../types.ts'

/** @throws UnionBeeError `UNION_BEE_BAD_ARGUMENT` */
export function checkSource<K, V>(
  { bee, cost = 0, timeoutMs = 0, policy = 'fail' }: Source<K, V>,
  name: string
): void {
  const isBee =
    typeof bee === 'function' ||
    (typeof bee === 'object' &&
      bee !== null &&
      typeof bee.get === 'function' &&
      typeof bee.createReadStream === 'function')
  if (!isBee)
    throw new UnionBeeError(
      'UNION_BEE_BAD_ARGUMENT',
      `the source ${name} is no bee: get and createReadStream are missing`
    )
  if (name.includes('/'))
    throw new UnionBeeError(
      'UNION_BEE_BAD_ARGUMENT',
      `the name ${name} has a slash, which stands before nested ones`
    )
  if (!(cost >= 0) || !(timeoutMs >= 0))
    throw new UnionBeeError('UNION_BEE_BAD_ARGUMENT', '`cost` and `timeoutMs` are numbers, 0 or more')
  checkPolicy(policy)
}

/** @throws UnionBeeError `UNION_BEE_BAD_ARGUMENT` */
export function checkPolicy(policy: Policy): void {
  if (policy !== 'fail' && policy !== 'degrade')
    throw new UnionBeeError('UNION_BEE_BAD_ARGUMENT', "`policy` is 'fail' or 'degrade'")
}
