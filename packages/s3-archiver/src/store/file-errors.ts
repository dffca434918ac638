import { S3ArchiverError, type S3ArchiverErrorCode } from '../errors.ts'

/** What the codes of a file system mean for who uses it; any other is `S3_ARCHIVER_STORE_FAILED`. */
const KINDS: [code: S3ArchiverErrorCode, errors: string[], help: string][] = [
  ['S3_ARCHIVER_STORE_UNAVAILABLE', ['ENOSPC', 'EDQUOT'], 'the disk is full'],
  ['S3_ARCHIVER_STORE_UNAVAILABLE', ['EMFILE', 'ENFILE', 'EAGAIN', 'EBUSY'], 'the system is busy'],
  ['S3_ARCHIVER_STORE_DENIED', ['EACCES', 'EPERM', 'EROFS'], 'the system does not allow it'],
  ['S3_ARCHIVER_STORE_BAD_NAME', ['ENAMETOOLONG'], 'the path is too long for this file system']
]

/** What `link` fails with where there are no hard links, or where a directory inside is another file system. */
const NO_LINKS = ['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EXDEV', 'EMLINK']

/** @param isLinked - of a put: whether the object may be there all the same */
export function fileError(cause: unknown, what: string, isLinked = false): S3ArchiverError {
  if (cause instanceof S3ArchiverError) return cause
  const [code, , help] = KINDS.find(([, errors]) => errors.includes(codeOf(cause) as string)) ?? []
  return new S3ArchiverError(
    code ?? 'S3_ARCHIVER_STORE_FAILED',
    help === undefined ? what : `${what}: ${help}`,
    {
      cause,
      retryable: code === 'S3_ARCHIVER_STORE_UNAVAILABLE',
      ambiguous: isLinked
    }
  )
}

/** Of `link`. */
export function linkError(cause: unknown): unknown {
  if (!NO_LINKS.includes(codeOf(cause) as string)) return cause
  const help =
    'the directory is not on one file system that has hard links: no object can be created only once'
  return new S3ArchiverError('S3_ARCHIVER_STORE_NO_CONDITIONS', help, { cause })
}

export function nestedName(): S3ArchiverError {
  const help = 'an object’s name is not also that of a directory of others'
  return new S3ArchiverError('S3_ARCHIVER_STORE_BAD_NAME', help)
}

/** Whether there is no file of that name. */
export function isAbsent(error: unknown): boolean {
  return ['ENOENT', 'ENOTDIR', 'EISDIR'].includes(codeOf(error) as string)
}

export function codeOf(error: unknown): unknown {
  return (error as { code?: unknown } | null)?.code
}
