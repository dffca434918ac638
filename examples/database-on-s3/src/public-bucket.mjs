import {
  CreateBucketCommand,
  PutBucketCorsCommand,
  PutBucketPolicyCommand,
  S3Client
} from '@aws-sdk/client-s3'

/**
 * Makes a bucket that anybody may list and read, also from a web page; and only its owner may write.
 *
 * @param {string} bucket
 * @param {{ endpoint?: string, credentials?: { accessKeyId: string, secretAccessKey: string } }} [options]
 */
export async function makePublicBucket(bucket, options = {}) {
  const client = new S3Client({ region: 'us-east-1', forcePathStyle: true, ...options })
  try {
    await client.send(new CreateBucketCommand({ Bucket: bucket }))
    const resources = [`arn:aws:s3:::${bucket}`, `arn:aws:s3:::${bucket}/*`]
    const allowed = {
      Effect: 'Allow',
      Principal: '*',
      Action: ['s3:GetObject', 's3:ListBucket'],
      Resource: resources
    }
    const policy = { Version: '2012-10-17', Statement: [allowed] }
    await client.send(new PutBucketPolicyCommand({ Bucket: bucket, Policy: JSON.stringify(policy) }))
    const rule = {
      AllowedOrigins: ['*'],
      AllowedMethods: ['GET', 'HEAD'],
      AllowedHeaders: ['range'],
      ExposeHeaders: ['content-range', 'content-length']
    }
    await client.send(new PutBucketCorsCommand({ Bucket: bucket, CORSConfiguration: { CORSRules: [rule] } }))
  } finally {
    client.destroy()
  }
}
