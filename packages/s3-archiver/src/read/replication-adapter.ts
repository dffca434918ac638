import b4a from 'b4a'
import c from 'compact-encoding'
import Hypercore from 'hypercore'
import crypto from 'hypercore-crypto'
import caps from 'hypercore/lib/caps.js'
import merkle from 'hypercore/lib/merkle-tree.js'
import messages from 'hypercore/messages.js'
import { S3ArchiverError } from '../errors.ts'
import type { CoreLike, CorestoreLike, SessionLike, StreamLike } from '../types.ts'
import type { BlockSource } from './block-source.ts'

// Everything the readers of this package ask of Hypercore's protocol beyond its documented API is in this file. Of hypercore 11.37: the messages of
// `hypercore/alpha` and their order (messages.js, lib/replicator.js), the proof that a peer knows the key (lib/caps.js), the proofs of a request
// (lib/merkle-tree.js), `replicator._blocks`, in which it notes who waits for a block (lib/replicator.js); and of a stream that it makes, the muxer in `userData`.

/** A peer's request, as Hypercore encodes it. */
export interface WireRequest {
  id: number
  fork: number
  block: { index: number; nodes: number } | null
  hash: { index: number; nodes: number } | null
  seek: object | null
  upgrade: { start: number; length: number } | null
  manifest: boolean
}

/** How far a peer has a core. */
export interface WireSync {
  fork: number
  length: number
}

/** What a peer does and hears on the channel of one core. */
export interface Channel {
  /** Whether what was sent has gone on its way. */
  readonly isDrained: boolean
  sync(state: WireSync & { remoteLength: number; isPublished: boolean }): void
  announce(start: number, length: number): void
  withdraw(start: number, length: number): void
  answer(proof: object): void
  /** That what was asked for is not here. */
  refuse(request: number): void
  close(): void
}

export interface ChannelEvents {
  /** The other side knows the key, too. */
  onopen(): void
  onsync(state: WireSync): void
  onrequest(request: WireRequest): void
  oncancel(request: number): void
  /** It is drained again. */
  ondrain(): void
  onclose(): void
}

interface Muxer {
  createChannel(options: object): MuxerChannel | null
  pair(what: object, notify: (id: Uint8Array) => Promise<void>): void
  unpair(what: object): void
  opened(what: object): boolean
}

interface MuxerChannel {
  readonly messages: readonly { send(message: object): boolean }[]
  readonly drained: boolean
  open(handshake: object): void
  close(): void
}

interface NoiseStream {
  readonly isInitiator: boolean
  readonly handshakeHash: Uint8Array | null
  readonly opened: Promise<boolean>
  readonly userData: unknown
}

const PROTOCOL = 'hypercore/alpha'
const NOT_HERE = 1

/** A session of a core, with what Hypercore takes beside its key. */
export function sessionOf(corestore: CorestoreLike, options: object): SessionLike {
  return (corestore as unknown as { get(options: object): SessionLike }).get(options)
}

/** A stream with a muxer on it, as every replication stream of Hypercore is. */
export function protocolStream(isInitiator: boolean | StreamLike): StreamLike {
  return Hypercore.createProtocolStream(isInitiator as boolean, { keepAlive: false })
}

interface WaitingRequests {
  readonly refs: readonly object[]
  detach(ref: object, error: Error): void
}

/** Fails all that wait for a block of a core. */
export function failBlock(core: CoreLike, seq: number, error: Error): void {
  const waiting = waitingFor(core, seq)
  // Each that is detached is taken out of them.
  for (const ref of waiting?.refs.slice() ?? []) waiting?.detach(ref, error)
}

/** Whether somebody waits for a block of a core. */
export function isAwaited(core: CoreLike, seq: number): boolean {
  return (waitingFor(core, seq)?.refs.length ?? 0) > 0
}

function waitingFor(core: CoreLike, seq: number): WaitingRequests | null {
  const { replicator } = core.core as {
    replicator: { _blocks: { get(seq: number): WaitingRequests | null } }
  }
  const { _blocks: blocks } = replicator
  return blocks.get(seq)
}

function noiseOf(stream: StreamLike): NoiseStream {
  return (stream as unknown as { noiseStream: NoiseStream }).noiseStream
}

/** Tells when the other side opens the channel of a core; it is open once it was opened here, too, by then. @returns a function that ends it */
export function onChannelWanted(
  stream: StreamLike,
  key: Uint8Array,
  notify: () => Promise<void>
): () => void {
  const what = { protocol: PROTOCOL, id: crypto.discoveryKey(key) }
  const muxer = noiseOf(stream).userData as Muxer
  muxer.pair(what, notify)
  return () => muxer.unpair(what)
}

/**
 * Opens the channel of a core.
 *
 * @returns `null` when the stream is closed, or has such a channel
 */
export async function openChannel(
  stream: StreamLike,
  key: Uint8Array,
  events: ChannelEvents
): Promise<Channel | null> {
  const noise = noiseOf(stream)
  if (!(await noise.opened) || noise.handshakeHash === null) return null
  const { handshakeHash, isInitiator } = noise
  const theirs = caps.replicate(!isInitiator, key, handshakeHash)
  const { wire } = messages
  const ignored = (): void => {}
  const channel = (noise.userData as Muxer).createChannel({
    protocol: PROTOCOL,
    aliases: ['hypercore'],
    id: crypto.discoveryKey(key),
    handshake: wire.handshake,
    // In this order.
    messages: [
      { encoding: wire.sync, onmessage: (state: WireSync) => events.onsync(state) },
      { encoding: wire.request, onmessage: (request: WireRequest) => events.onrequest(request) },
      { encoding: wire.cancel, onmessage: ({ request }: { request: number }) => events.oncancel(request) },
      { encoding: wire.data, onmessage: ignored },
      { encoding: wire.noData, onmessage: ignored },
      { encoding: wire.want, onmessage: ignored },
      { encoding: wire.unwant, onmessage: ignored },
      { encoding: wire.bitfield, onmessage: ignored },
      { encoding: wire.range, onmessage: ignored },
      { encoding: wire.extension, onmessage: ignored }
    ],
    onopen: ({ capability }: { capability: Uint8Array }) => {
      if (b4a.equals(capability, theirs)) events.onopen()
      else channel?.close()
    },
    ondrain: () => events.ondrain(),
    onclose: () => events.onclose()
  })
  if (channel === null) return null
  const send = (message: number, value: object): void => void channel.messages[message]?.send(value)
  channel.open({ seeks: true, capability: caps.replicate(isInitiator, key, handshakeHash) })
  return {
    get isDrained() {
      return channel.drained
    },
    sync: ({ isPublished, ...state }) =>
      send(0, {
        ...state,
        canUpgrade: true,
        uploading: true,
        downloading: isPublished,
        hasManifest: true,
        allowPush: false
      }),
    announce: (start, length) => send(8, { drop: false, start, length }),
    withdraw: (start, length) => send(8, { drop: true, start, length }),
    answer: (proof) => send(3, proof),
    refuse: (request) => send(4, { request, reason: NOT_HERE }),
    close: () => channel.close()
  }
}

/**
 * Answers a request with blocks and nodes of an archive, fetched where they are not known.
 *
 * @returns `null` when the archive does not have it
 */
export async function prove(source: BlockSource, request: WireRequest): Promise<object | null> {
  const { record, roots } = source.archived
  if (request.fork !== record.fork && request.upgrade === null) return null
  const manifest = c.decode(messages.manifest, record.manifest)
  const reader = { getTreeNode: (index: number) => source.fetchNode(index), tryFlush: (): void => {} }
  const state = {
    fork: record.fork,
    length: record.length,
    signature: record.signature,
    prologue: manifest.prologue ?? null,
    roots,
    byteLength: source.byteLength,
    storage: { read: () => reader }
  }
  const value = request.block === null ? null : await source.block(request.block.index)
  const proof = await proofOf(state, reader, request)
  if (proof.block != null) (proof.block as { value: Uint8Array | null }).value = value
  return {
    ...proof,
    request: request.id,
    fork: record.fork,
    manifest: request.manifest ? manifest : null
  }
}

/** @throws S3ArchiverError `S3_ARCHIVER_BAD_REQUEST` when no tree has what is asked for, and what reading a node throws */
async function proofOf(
  state: object,
  reader: object,
  request: WireRequest
): Promise<Awaited<ReturnType<Awaited<ReturnType<typeof merkle.MerkleTree.proof>>['settle']>>> {
  try {
    const proving = await merkle.MerkleTree.proof(state, reader, request)
    return await proving.settle()
  } catch (cause) {
    if (cause instanceof S3ArchiverError) throw cause
    throw new S3ArchiverError('S3_ARCHIVER_BAD_REQUEST', 'a peer asks for what no core has', { cause })
  }
}

/** @throws S3ArchiverError `S3_ARCHIVER_UNSUPPORTED_UPSTREAM` naming what is missing */
export function checkWire(core: CoreLike): void {
  const missing: string[] = []
  if (typeof Hypercore.createProtocolStream !== 'function') missing.push('Hypercore.createProtocolStream')
  const { replicator } = core.core as { replicator?: { _blocks?: { get?: unknown } } }
  const { _blocks: blocks } = replicator ?? {}
  if (typeof blocks?.get !== 'function') missing.push('core.replicator._blocks')
  if (typeof caps.replicate !== 'function') missing.push('caps.replicate')
  if (typeof merkle.MerkleTree.proof !== 'function') missing.push('MerkleTree.proof')
  for (const name of ['handshake', 'sync', 'request', 'cancel', 'data', 'noData', 'range'] as const)
    if (messages.wire?.[name] === undefined) missing.push(`messages.wire.${name}`)
  if (missing.length === 0) return
  const help = `this hypercore lacks ${missing.join(', ')}; hypercore 11.37 has them`
  throw new S3ArchiverError('S3_ARCHIVER_UNSUPPORTED_UPSTREAM', help)
}
