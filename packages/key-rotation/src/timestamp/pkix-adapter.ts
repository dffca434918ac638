import { Integer, OctetString } from 'asn1js'
import b4a from 'b4a'
import {
  AlgorithmIdentifier,
  type Asn1Value,
  Certificate,
  type FindIssuer,
  getCrypto,
  MessageImprint,
  SignedData,
  TimeStampReq,
  TimeStampResp,
  TSTInfo
} from 'pkijs'
import { badArgument } from '../arguments.ts'
import { KeyRotationError } from '../errors.ts'
import { malformed } from '../format/codecs.ts'
import { shortestPath } from './shortest-path.ts'

// The one file that knows PKIjs, which reads and checks CMS and certificates (RFC 5652, RFC 5280) on WebCrypto; and what RFC 3161 and RFC 5816 demand
// besides, which it leaves to its caller.

const SHA_256 = '2.16.840.1.101.3.4.2.1'
const SIGNED_DATA = '1.2.840.113549.1.7.2'
const TST_INFO = '1.2.840.113549.1.9.16.1.4'
const CONTENT_TYPE = '1.2.840.113549.1.9.3'
const EXTENDED_KEY_USAGE = '2.5.29.37'
const TIME_STAMPING = '1.3.6.1.5.5.7.3.8'
/** By the attribute (ESS): of which form the hash of the signer's certificate is, where it does not say. */
const SIGNING_CERTIFICATES: Readonly<Record<string, string>> = {
  '1.2.840.113549.1.9.16.2.12': 'SHA-1',
  '1.2.840.113549.1.9.16.2.47': 'SHA-256'
}
const DIGESTS: Readonly<Record<string, string>> = {
  [SHA_256]: 'SHA-256',
  '2.16.840.1.101.3.4.2.2': 'SHA-384',
  '2.16.840.1.101.3.4.2.3': 'SHA-512'
}

/** Of a signature that does not name its hash function, which is then that of the digest. */
const RSA_ENCRYPTION = '1.2.840.113549.1.1.1'
/** And revocation lists. More than any service sends: each costs some signatures. */
const MAX_CERTIFICATES = 8

/** What an answer states, and its signature has been found to be right. */
export interface Statement {
  readonly imprint: Uint8Array
  readonly nonce: Uint8Array | null
  /** In ms since 1970. */
  readonly time: number
  readonly accuracyMs: number
  readonly policy: string
  readonly serial: Uint8Array
}

/** A request for a time stamp, RFC 3161 2.4.1. @param imprint - SHA-256 */
export function encodeRequest(imprint: Uint8Array, nonce: Uint8Array): Uint8Array {
  const request = new TimeStampReq({
    version: 1,
    messageImprint: new MessageImprint({
      hashAlgorithm: new AlgorithmIdentifier({ algorithmId: SHA_256 }),
      hashedMessage: new OctetString({ valueHex: imprint })
    }),
    nonce: new Integer({ valueHex: nonce }),
    certReq: true
  })
  return new Uint8Array(request.toSchema().toBER())
}

/** Certificates that lead to who may stamp. @throws KEY_ROTATION_BAD_ARGUMENT */
export function readCertificates(authorities: readonly Uint8Array[]): readonly Certificate[] {
  return authorities.map((bytes) => {
    try {
      return Certificate.fromBER(bytes)
    } catch {
      throw badArgument('an authority is an X.509 certificate in DER')
    }
  })
}

/**
 * Reads an answer (RFC 3161 2.4.2), and checks who has signed it.
 *
 * @param stamped - what it must be about
 * @throws KEY_ROTATION_MALFORMED, KEY_ROTATION_TIMESTAMP_REFUSED, KEY_ROTATION_TIMESTAMP_MISMATCH, KEY_ROTATION_TIMESTAMP_UNTRUSTED
 */
export async function readAnswer(
  answer: Uint8Array,
  stamped: Uint8Array,
  authorities: readonly Certificate[]
): Promise<Statement> {
  const { signed, info } = parsed(answer)
  const { eContentType } = signed.encapContentInfo
  const [signer, ...others] = signed.signerInfos
  const attributes = signer?.signedAttrs?.attributes ?? []
  const stated = attributes.filter(({ type }) => type === CONTENT_TYPE).flatMap(({ values }) => values)
  if (eContentType !== TST_INFO || info.version !== 1 || others.length > 0 || stated.length !== 1)
    throw malformed('the answer is no time stamp')
  if ((stated[0] as Asn1Value).valueBlock.toString() !== TST_INFO)
    throw malformed('what was signed is no time stamp')
  if (info.messageImprint.hashAlgorithm.algorithmId !== SHA_256)
    throw mismatch('the time stamp is of a hash by another function')

  const certificate = await signerOf(signed, stamped, authorities)
  checkPurpose(certificate)
  await checkNamed(certificate, attributes)
  const { seconds = 0, millis = 0, micros = 0 } = info.accuracy ?? {}
  return {
    imprint: hexView(info.messageImprint.hashedMessage),
    nonce: info.nonce === undefined ? null : hexView(info.nonce),
    time: info.genTime.getTime(),
    accuracyMs: seconds * 1000 + millis + Math.ceil(micros / 1000),
    policy: info.policy,
    serial: hexView(info.serialNumber)
  }
}

export function mismatch(message: string): KeyRotationError {
  return new KeyRotationError('KEY_ROTATION_TIMESTAMP_MISMATCH', message)
}

function parsed(answer: Uint8Array): { signed: SignedData; info: TSTInfo } {
  const response = attempt(() => TimeStampResp.fromBER(answer))
  const { status, statusStrings = [] } = response.status
  // 0: granted; 1: granted, not quite as it was asked for.
  if (status !== 0 && status !== 1) {
    const words = statusStrings.map(({ valueBlock }) => valueBlock.value).join(' ')
    const message = `the service answers with status ${status} ${words}`
    throw new KeyRotationError('KEY_ROTATION_TIMESTAMP_REFUSED', message.trim())
  }
  const token = response.timeStampToken
  if (token?.contentType !== SIGNED_DATA) throw malformed('the answer has no time stamp')
  return attempt(() => {
    const signed = new SignedData({ schema: token.content })
    const content = signed.encapContentInfo.eContent
    if (content === undefined) throw malformed('the time stamp is empty')
    return { signed, info: TSTInfo.fromBER(content.getValue()) }
  })
}

function attempt<T>(read: () => T): T {
  try {
    return read()
  } catch (cause) {
    if (cause instanceof KeyRotationError) throw cause
    const message = 'it is no answer of a time-stamping service'
    throw new KeyRotationError('KEY_ROTATION_MALFORMED', message, { cause })
  }
}

/** Codes of PKIjs that say: it is about something else, or was changed. */
const NOT_SIGNED = 15

async function signerOf(
  signed: SignedData,
  stamped: Uint8Array,
  trustedCerts: readonly Certificate[]
): Promise<Certificate> {
  const data = new Uint8Array(stamped).buffer
  checkAlgorithms(signed)
  const findIssuer = pathFinder(trustedCerts)
  const checks = { signer: 0, data, trustedCerts, checkChain: true, findIssuer, extendedMode: true } as const
  try {
    const { signatureVerified, signerCertificate } = await signed.verify(checks)
    if (signatureVerified === true && signerCertificate) return signerCertificate
  } catch (cause) {
    const { code, message } = cause as { code?: number; message?: string }
    if (code === NOT_SIGNED) throw mismatch('the time stamp is of something else, or was changed')
    throw untrusted(message ?? 'its signer is not known', { cause })
  }
  throw mismatch('the signature of the time stamp is not right')
}

/** Hash functions with which two things can be signed at once (SHA-1: RFC 6194) prove nothing. */
function checkAlgorithms({ certificates = [], crls = [], signerInfos }: SignedData): void {
  if (certificates.length + crls.length > MAX_CERTIFICATES)
    throw untrusted('the time stamp brings too many certificates')
  const { digestAlgorithm, signatureAlgorithm } = signerInfos[0] ?? {}
  const isStrong =
    DIGESTS[digestAlgorithm?.algorithmId ?? ''] !== undefined &&
    signatureAlgorithm !== undefined &&
    (signatureAlgorithm.algorithmId === RSA_ENCRYPTION || hasStrongHash(signatureAlgorithm))
  if (!isStrong) throw untrusted('the time stamp is signed by a hash function that does not count')
}

function hasStrongHash(algorithm: AlgorithmIdentifier): boolean {
  return Object.values(DIGESTS).includes(getCrypto(true).getHashAlgorithm(algorithm))
}

/**
 * PKIjs goes every way that certificates lead, also in circles, and each as often as there are ways to it. So it is told of one way only, the shortest; and of none from a
 * certificate that is signed by a weak hash function.
 */
function pathFinder(authorities: readonly Certificate[]): FindIssuer {
  let path: readonly Certificate[] | null = null
  return async (certificate, engine, crypto) => {
    path ??= await shortestPath(
      certificate,
      async (one) =>
        hasStrongHash(one.signatureAlgorithm) ? engine.defaultFindIssuer(one, engine, crypto) : [],
      (one) => authorities.includes(one)
    )
    const next = path?.[path.indexOf(certificate) + 1]
    return next === undefined ? [] : [next]
  }
}

/** A certificate of something else, by the same authority, stamps nothing (RFC 3161 2.3). */
function checkPurpose({ extensions = [] }: Certificate): void {
  const usage = extensions.find(({ extnID }) => extnID === EXTENDED_KEY_USAGE)
  const { keyPurposes = [] } = (usage?.parsedValue ?? {}) as { keyPurposes?: readonly string[] }
  if (usage?.critical !== true || keyPurposes.length !== 1 || keyPurposes[0] !== TIME_STAMPING)
    throw untrusted('the certificate of the signer is not one for time stamps alone')
}

/** The signed part must name the certificate: else another one of the same key could take its place (RFC 2634 5.4, RFC 5035). */
async function checkNamed(
  certificate: Certificate,
  attributes: readonly { readonly type: string; readonly values: readonly unknown[] }[]
): Promise<void> {
  const der = new Uint8Array(certificate.toSchema().toBER())
  for (const { type, values } of attributes) {
    const digest = SIGNING_CERTIFICATES[type]
    if (digest === undefined) continue
    const [named] = partsOf(partsOf(values[0])[0])
    const [first, second] = partsOf(named)
    // The newer form may begin with another hash function.
    const [identifier] = partsOf(first)
    const hash = identifier === undefined ? first : second
    const algorithm = identifier === undefined ? digest : DIGESTS[identifier.valueBlock.toString()]
    if (algorithm === undefined || hash === undefined) continue
    const expected = new Uint8Array(await getCrypto(true).digest(algorithm, der))
    if (b4a.equals(expected, hexView(hash))) return
  }
  throw untrusted('the time stamp does not name the certificate of its signer')
}

function partsOf(value: unknown): readonly Asn1Value[] {
  const { value: parts } = (value as Asn1Value | undefined)?.valueBlock ?? {}
  return Array.isArray(parts) ? (parts as Asn1Value[]) : []
}

function hexView(value: object): Uint8Array {
  return new Uint8Array((value as Asn1Value).valueBlock.valueHexView ?? [])
}

function untrusted(message: string, options?: { cause: unknown }): KeyRotationError {
  return new KeyRotationError('KEY_ROTATION_TIMESTAMP_UNTRUSTED', message, options)
}
