import { FileStore, HttpStore } from '@cloudpal/s3-archiver'
import { S3Store } from '@cloudpal/s3-archiver/s3'

/**
 * A store that is written: a directory, or `s3://bucket/prefix?endpoint=…` with the SDK's usual environment for the credentials.
 *
 * @param {string} place
 * @returns {import('@cloudpal/s3-archiver').ObjectStore}
 */
export function openWritable(place) {
  if (!place.startsWith('s3://')) return new FileStore(place)
  const { hostname: bucket, pathname, searchParams } = new URL(place)
  const endpoint = searchParams.get('endpoint')
  return new S3Store({ bucket, prefix: pathname.slice(1), ...(endpoint === null ? {} : { endpoint }) })
}

/**
 * A store that is only read, without credentials: a directory, or `https://host/bucket/prefix` of a public bucket.
 *
 * @param {string} place
 * @returns {import('@cloudpal/s3-archiver').ObjectStore}
 */
export function openReadable(place) {
  if (!/^https?:/.test(place)) return new FileStore(place)
  const { origin, pathname } = new URL(place)
  const [, bucket] = pathname.split('/')
  return new HttpStore({ url: place, bucket: `${origin}/${bucket}/` })
}
