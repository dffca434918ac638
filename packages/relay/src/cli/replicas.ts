import b4a from 'b4a'
import { type Command, InvalidArgumentError } from 'commander'
import { readFile } from '#fs'
import { RelayError } from '../errors.ts'
import { replicaAddress } from '../replicas/replica-address.ts'
import { type Replica, ReplicaSet } from '../replicas/replica-set.ts'
import { countOf, keyOf, wordOf } from './arguments.ts'
import { signerOf } from './secret-key.ts'
import type { Surroundings } from './surroundings.ts'

/** What `serve` is told of the owner's other relays. */
export interface ReplicaSettings {
  owner?: Uint8Array
  replicaSet?: string
}

interface SignSettings {
  ownerKeyFile: string
  replica: Replica[]
  seq: number
}

/**
 * The set that names this relay and the owner's others; `null` where there is none.
 *
 * @throws RelayError `RELAY_BAD_ARGUMENT`
 */
export async function replicasOf({
  owner,
  replicaSet
}: ReplicaSettings): Promise<{ owner: Uint8Array; set: Uint8Array } | null> {
  if (owner === undefined && replicaSet === undefined) return null
  if (owner === undefined || replicaSet === undefined)
    throw new RelayError('RELAY_BAD_ARGUMENT', '--owner and --replica-set belong together')
  const text = await readFile(replicaSet, 'utf8').catch((error: unknown) => {
    throw new RelayError('RELAY_BAD_ARGUMENT', `${replicaSet} cannot be read`, { cause: error })
  })
  if (!/^([0-9a-f]{2})+\s*$/i.test(text))
    throw new RelayError('RELAY_BAD_ARGUMENT', `${replicaSet} does not hold a set in hex digits`)
  return { owner, set: b4a.from(text.trim(), 'hex') }
}

/** The command that signs a set, where the owner's key is. */
export function addReplicas(program: Command, { out }: Surroundings): void {
  program
    .command('replicas')
    .description('print the signed set of an owner’s relays, for the file of --replica-set and for devices')
    .requiredOption('--owner-key-file <file>', 'with the owner’s seed', wordOf)
    .requiredOption('--replica <key=addresses>', 'tcp://host:port, wss://…; may be repeated', replicaOf)
    .option('--seq <number>', 'higher than that of the set before', countOf, Math.floor(Date.now() / 1000))
    .action(async ({ ownerKeyFile, replica, seq }: SignSettings) =>
      out(b4a.toString(ReplicaSet.sign(replica, seq, await signerOf(ownerKeyFile)).bytes, 'hex'))
    )
}

function replicaOf(word: string, others: readonly Replica[] = []): Replica[] {
  const at = word.indexOf('=')
  const key = keyOf(word.slice(0, Math.max(at, 0)))
  const addresses = word
    .slice(at + 1)
    .split(',')
    .map((one) => one.trim())
  const bad = addresses.find((address) => replicaAddress({ key, addresses: [address] }, null) === null)
  if (bad !== undefined)
    throw new InvalidArgumentError(`${bad} should be as tcp://relay.example:4989 or wss://relay.example/.`)
  return [...others, { key, addresses }]
}
