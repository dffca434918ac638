import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Client as RelayClient, Server as RelayServer, token } from 'blind-relay'
import BlindPairing, { type MemberRequest } from 'blind-pairing'
import codecs from 'codecs'
import Corestore from 'corestore'
import DeviceFile from 'device-file'
import flat from 'flat-tree'
import BitInterlude from 'hypercore/lib/bit-interlude.js'
import merkle from 'hypercore/lib/merkle-tree.js'
import multisig from 'hypercore/lib/multisig.js'
import Verifier from 'hypercore/lib/verifier.js'
import Hyperbee from 'hyperbee'
import Hypercore from 'hypercore'
import Hyperdrive from 'hyperdrive'
import crypto from 'hypercore-crypto'
import id from 'hypercore-id-encoding'
import HyperDHT, { type RawStream } from 'hyperdht'
import MirrorDrive from 'mirror-drive'
import curve from 'noise-curve-ed'
import NoiseState from 'noise-handshake'
import CipherState from 'noise-handshake/cipher.js'
import createTestnet from 'hyperdht/testnet.js'
import Hyperswarm from 'hyperswarm'
import Protomux from 'protomux'
import type NoiseSecretStream from '@hyperswarm/secret-stream'
import RocksDB, { BloomFilterPolicy, ColumnFamily, RibbonFilterPolicy } from 'rocksdb-native'
import RandomAccessStorage from 'random-access-storage'
import Slip39 from 'slip39'
import sodium from 'sodium-universal'
import SubEncoder from 'sub-encoder'
import z32 from 'z32'

type EncryptionClass = new (key: Uint8Array, coreKey: Uint8Array) => object

/** Live objects by declaration, and the classes that have statics. */
export interface Specimens {
  instances: Record<string, unknown>
  classes: Record<string, unknown>
  close(): Promise<void>
}

/** Two peers that pair and replicate over a local DHT, which between them produce every declared object. */
export async function makeSpecimens(): Promise<Specimens> {
  const dir = await mkdtemp(join(tmpdir(), 'hyper-types-'))
  // Not a dependency of its own: the class of the streams that cores make.
  const { constructor: NoiseSecretStream } = Hypercore.createProtocolStream(true).noiseStream
  const network = await makeNetwork()
  const cores = await makeCores(dir)
  const rocks = await makeRocks(join(dir, 'rocks'))
  return {
    instances: { ...network.instances, ...cores.instances, ...rocks.instances, ...pureSpecimens() },
    classes: {
      'hypercore:Hypercore': Hypercore,
      'hypercore/lib/bit-interlude.js:BitInterlude': BitInterlude,
      'hypercore/lib/verifier.js:Verifier': Verifier,
      'corestore:Corestore': Corestore,
      'hyperbee:Hyperbee': Hyperbee,
      'hyperdrive:Hyperdrive': Hyperdrive,
      'mirror-drive:MirrorDrive': MirrorDrive,
      'sub-encoder:SubEncoder': SubEncoder,
      'hyperdht:HyperDHT': HyperDHT,
      'hyperswarm:Hyperswarm': Hyperswarm,
      'blind-pairing:BlindPairing': BlindPairing,
      'blind-relay:Client': RelayClient,
      'blind-relay:Server': RelayServer,
      'random-access-storage:RandomAccessStorage': RandomAccessStorage,
      'rocksdb-native:RocksDB': RocksDB,
      'rocksdb-native:ColumnFamily': ColumnFamily,
      'rocksdb-native:BloomFilterPolicy': BloomFilterPolicy,
      'rocksdb-native:RibbonFilterPolicy': RibbonFilterPolicy,
      'protomux:Protomux': Protomux,
      'slip39:Slip39': Slip39,
      'noise-handshake:NoiseState': NoiseState,
      'noise-handshake/cipher.js:CipherState': CipherState,
      'device-file:DeviceFile': DeviceFile,
      '@hyperswarm/secret-stream:NoiseSecretStream': NoiseSecretStream
    },
    close: async () => {
      await network.close()
      await cores.close()
      await rocks.close()
      await rm(dir, { recursive: true, force: true })
    }
  }
}

function pureSpecimens(): Record<string, unknown> {
  const invite = BlindPairing.createInvite(crypto.randomBytes(32), { data: new Uint8Array(1) })
  const manifest = Verifier.createManifest({ signers: [{ publicKey: crypto.keyPair().publicKey }] })
  const tree = {
    fork: 0,
    length: 0,
    byteLength: 0,
    roots: [],
    signature: null,
    prologue: null,
    storage: null
  }
  const slip39 = Slip39.fromArray(
    Array.from({ length: 16 }, (_, i) => i),
    {
      passphrase: '',
      threshold: 1,
      groups: [[1, 1, 'one']],
      iterationExponent: 0,
      extendableBackupFlag: 1,
      title: ''
    }
  )
  return {
    'slip39:Slip39': slip39,
    'slip39:Slip39Node': slip39.fromPath('r/0'),
    'hypercore/lib/merkle-tree.js:TreeBatch': new merkle.MerkleTreeBatch(tree),
    'hypercore/lib/bit-interlude.js:BitInterlude': new BitInterlude(),
    'hypercore:DefaultEncryption': Hypercore.DefaultEncryption,
    'hypercore:EncryptionProvider': new (Hypercore.DefaultEncryption as unknown as EncryptionClass)(
      new Uint8Array(32),
      new Uint8Array(32)
    ),
    'hypercore/lib/verifier.js:Verifier': new Verifier(Hypercore.key(manifest), manifest),
    'codecs:Codec': codecs('json'),
    'codecs:Codecs': codecs,
    'hypercore-crypto:KeyPair': crypto.keyPair(),
    'hypercore-crypto:HypercoreCrypto': crypto,
    'hypercore-id-encoding:IdEncoding': id,
    'sodium-universal:Sodium': sodium,
    'random-access-storage:RandomAccessStorage': new RandomAccessStorage(),
    'z32:Z32': z32,
    'noise-curve-ed:NoiseCurve': curve,
    'noise-handshake:NoiseState': new NoiseState('IK', false, crypto.keyPair(), { curve }),
    'noise-handshake/cipher.js:CipherState': new CipherState(new Uint8Array(32)),
    'sub-encoder:SubEncoder': new SubEncoder('specimen', 'utf-8'),
    'device-file:DeviceFile': new DeviceFile(join(tmpdir(), 'specimen.device')),
    'flat-tree:FlatTree': flat,
    'hypercore/lib/multisig.js:Multisig': multisig,
    'hypercore/lib/merkle-tree.js:Tree': merkle.MerkleTree,
    'rocksdb-native:BloomFilterPolicy': new BloomFilterPolicy(10),
    'rocksdb-native:RibbonFilterPolicy': new RibbonFilterPolicy(10),
    'blind-pairing:CreatedInvite': invite,
    'blind-pairing:SignedData': invite.additional,
    'blind-pairing:DecodedInvite': BlindPairing.decodeInvite(invite.invite)
  }
}

async function makeNetwork() {
  const testnet = await createTestnet(2, { host: '127.0.0.1' })
  const swarms = [0, 1].map(() => new Hyperswarm({ dht: testnet.createNode() })) as [Hyperswarm, Hyperswarm]
  const connection = new Promise<{ stream: NoiseSecretStream; found: Record<string, unknown> }>((resolve) =>
    swarms[0].once('connection', (stream, peer) => {
      const found = {
        '@hyperswarm/secret-stream:NoiseSecretStream': stream,
        'hyperswarm:PeerInfo': peer,
        'protomux:Protomux': Protomux.from(stream),
        'protomux:Channel': Protomux.from(stream).createChannel({ protocol: 'specimen' }),
        'protomux:Message': Protomux.from(stream)
          .createChannel({ protocol: 'another' })
          ?.addMessage({ encoding: codecs.binary as never })
      }
      resolve({ stream, found })
    })
  )
  const pairings = swarms.map((swarm) => new BlindPairing(swarm)) as [BlindPairing, BlindPairing]
  const key = crypto.randomBytes(32)
  const { invite, publicKey } = BlindPairing.createInvite(key)
  const { promise: request, resolve: gotRequest } = promiseWithResolver<MemberRequest>()
  const member = pairings[0].addMember({
    discoveryKey: crypto.discoveryKey(key),
    onadd: (request) => {
      gotRequest(request)
      request.open(publicKey)
      request.confirm({ key })
    }
  })
  await member.flushed()
  const candidate = pairings[1].addCandidate({ invite, userData: new Uint8Array(1) })
  await candidate.ready()
  const paired = await candidate.pairing
  const server = testnet.createNode().createServer()
  const topic = swarms[0].join(crypto.randomBytes(32))
  const { stream } = await connection
  const rawStream = swarms[0].dht.createRawStream({ framed: true })
  const relay = new RelayServer({ createStream: () => rawStream })
  const session = relay.accept(stream, { id: new Uint8Array(1) })
  const { _pair: messageHandler } = session
  const client = RelayClient.from(stream, { id: new Uint8Array(2) })
  const half = client.pair(true, token(), rawStream)
  half.on('error', () => {})
  return {
    instances: {
      ...(await connection).found,
      'blind-relay:MessageHandler': messageHandler,
      'blind-relay:RelaySession': session,
      'blind-relay:Server': relay,
      'blind-relay:Client': client,
      'blind-relay:PairRequest': half,
      'hyperdht:RawStream': rawStream,
      'hyperdht:UdxSocket': (stream.rawStream as RawStream | null)?.socket,
      'hyperdht/testnet.js:Testnet': testnet,
      'hyperdht:HyperDHT': swarms[0].dht,
      'hyperdht:DhtAddress': testnet.bootstrap[0],
      'hyperdht:DhtServer': server,
      'hyperswarm:Hyperswarm': swarms[0],
      'hyperswarm:PeerDiscoverySession': topic,
      'blind-pairing:BlindPairing': pairings[0],
      'blind-pairing:Member': member,
      'blind-pairing:MemberRequest': await request,
      'blind-pairing:Candidate': candidate,
      'blind-pairing:CandidateRequest': candidate.request,
      'blind-pairing:PairingResult': paired
    },
    close: async () => {
      for (const pairing of pairings) await pairing.close()
      for (const swarm of swarms) await swarm.destroy()
      await testnet.destroy()
    }
  }
}

async function makeCores(dir: string) {
  const [a, b] = [new Corestore(join(dir, 'a')), new Corestore(join(dir, 'b'))]
  const core = a.get({ name: 'core' })
  await core.append('block')
  const bee = new Hyperbee<string>(a.get({ name: 'bee' }), { keyEncoding: 'utf-8' })
  await bee.put('key', new Uint8Array(1))
  const copy = b.get({ key: core.key })
  const [left, right] = [a.replicate(true), b.replicate(false)]
  left.pipe(right).pipe(left)
  const download = copy.download({ start: 0, end: 1 })
  await download.done()
  const watcher = bee.watch()
  const beeStream = bee.createReadStream()
  const drive = new Hyperdrive(a.namespace('drive'))
  await drive.ready()
  await drive.put('/file', new Uint8Array(1))
  const writing = drive.createWriteStream('/other')
  return {
    instances: {
      '@hyperswarm/secret-stream:DuplexStream': left,
      'hypercore:ReplicationStream': left,
      'hypercore:Hypercore': core,
      'hyperdrive:Hyperdrive': drive,
      'hypercore:Download': download,
      'hypercore:Peer': copy.peers[0],
      'hypercore:CoreInfo': await core.info(),
      'hypercore:Manifest': core.manifest,
      'hypercore:Signer': core.manifest?.signers[0],
      'hypercore:TreeProof': await core.proof({ block: { index: 0, nodes: 0 } }),
      'corestore:Corestore': a,
      'corestore:StoreStorage': a.storage,
      'hyperbee:Hyperbee': bee,
      'hyperbee:BeeEntry': await bee.get('key'),
      'hyperbee:BeeBatch': bee.batch(),
      'hyperbee:BeeStream': beeStream,
      'hyperbee:BeeWatcher': watcher,
      'hyperdrive:DriveEntry': await drive.entry('/file'),
      'hyperdrive:DriveStream': drive.list(),
      'hyperdrive:DriveWriteStream': writing,
      'mirror-drive:MirrorDrive': new MirrorDrive(drive, drive)
    },
    close: async () => {
      beeStream.destroy()
      await watcher.close()
      await drive.close()
      left.destroy()
      right.destroy()
      await a.close()
      await b.close()
    }
  }
}

async function makeRocks(path: string) {
  const db = new RocksDB(path)
  await db.ready()
  await db.put('key', 'value')
  const [read, write, iterator] = [db.read(), db.write(), db.iterator()]
  return {
    instances: {
      'rocksdb-native:RocksDB': db,
      'rocksdb-native:ColumnFamily': db.defaultColumnFamily,
      'rocksdb-native:ReadBatch': read,
      'rocksdb-native:WriteBatch': write,
      'rocksdb-native:RocksIterator': iterator,
      'rocksdb-native:RocksEntry': await db.peek()
    },
    close: async () => {
      read.destroy()
      write.destroy()
      iterator.destroy()
      await db.close()
    }
  }
}

function promiseWithResolver<T>(): { promise: Promise<T>; resolve: (value: T) => void } {
  let resolve: (value: T) => void = () => {}
  const promise = new Promise<T>((done) => {
    resolve = done
  })
  return { promise, resolve }
}
