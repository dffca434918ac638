import b4a from 'b4a'
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander'
import { readFile } from '#fs'
import { RelayError } from '../errors.ts'
import { createGrant } from '../policy/grant.ts'
import { countOf, hexOf, keysOf, portOf, revokedOf, variableOf } from './arguments.ts'
import { keyPairOf } from './secret-key.ts'
import { serve, type ServeSettings } from './serve.ts'
import type { Surroundings } from './surroundings.ts'

/** How a command ended, for who called it. */
export const EXIT: { readonly ok: 0; readonly failed: 1; readonly usage: 2 } = { ok: 0, failed: 1, usage: 2 }

/**
 * Runs a command line. An option comes from its flag, else from the environment (`CLOUDPAL_RELAY_TCP_PORT` for `--tcp-port`), else from the file.
 *
 * @param words - without the program's own name
 * @returns the exit code
 */
export async function run(words: readonly string[], surroundings: Surroundings): Promise<number> {
  const trimmed = (text: string): string => text.replace(/\n$/, '')
  const program = new Command('cloudpal-relay')
    .description('A relay for one’s own devices: joins them, and cannot read what they say.')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => surroundings.out(trimmed(text)),
      writeErr: (text) => surroundings.err(trimmed(text))
    })
  addServe(program, surroundings)
  addKeys(program, surroundings)
  try {
    await program.parseAsync([...words], { from: 'user' })
    return EXIT.ok
  } catch (error) {
    if (error instanceof InvalidArgumentError) surroundings.err(`error: ${error.message}`)
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage
    surroundings.err((error as Error).message)
    return (error as { code?: string }).code === 'RELAY_BAD_ARGUMENT' ? EXIT.usage : EXIT.failed
  }
}

function addServe(program: Command, surroundings: Surroundings): void {
  const command = program.command('serve', { isDefault: true }).description('serve until Ctrl-C, then drain')
  const options = [
    new Option('--key-file <file>', 'with the secret key’s seed; made when there is none').default(
      'relay.key'
    ),
    new Option('--host <address>', 'to listen on; all by default'),
    new Option('--tcp-port <port>', 'for raw TCP').argParser(portOf),
    new Option('--ws-port <port>', 'for WebSocket').argParser(portOf),
    new Option('--tls-cert <file>', 'for WebSocket: ends TLS here'),
    new Option('--tls-key <file>', 'its secret key'),
    new Option('--metrics-port <port>', 'for /metrics and /health').argParser(portOf),
    new Option('--metrics-host <address>', 'for these; 127.0.0.1 by default'),
    new Option('--allow <keys>', 'devices that need no grant; may be repeated').argParser(keysOf),
    new Option('--issuer <keys>', 'whose grants count; may be repeated').argParser(keysOf),
    new Option('--revoke <keys>', 'devices, or nonces of grants; may be repeated').argParser(revokedOf),
    new Option('--connections <number>', 'of one device at once (64)').argParser(countOf),
    new Option('--pairings <number>', 'of one device that wait at once (64)').argParser(countOf),
    new Option('--total-connections <number>', 'of all devices (10,000)').argParser(countOf),
    new Option('--bytes-per-second <number>', 'of a device without a grant').argParser(countOf),
    new Option('--quota-bytes <number>', 'of a device without a grant').argParser(countOf),
    new Option('--drain-seconds <number>', 'for sessions to move away (10)').argParser(countOf),
    new Option('--json', 'log for programs')
  ]
  for (const option of options) command.addOption(option)
  command.addOption(new Option('--config <file>', 'JSON: options by their names, as "tcpPort"'))
  const settings = async (): Promise<ServeSettings> => {
    const given = command.opts<ServeSettings & { config?: string }>()
    const config = given.config ?? surroundings.environment[variableOf('config')]
    const layers = [
      config === undefined ? {} : await settingsIn(config, options),
      settingsOf(surroundings, options)
    ]
    const free = options.map((option) => option.attributeName()).filter((name) => isUnset(command, name))
    const below = layers.flatMap((layer) => Object.entries(layer).filter(([name]) => free.includes(name)))
    return { ...given, ...Object.fromEntries(below) }
  }
  command.action(async () => serve(await settings(), surroundings, settings))
}

function addKeys(program: Command, { out }: Surroundings): void {
  program
    .command('key')
    .description('print the public key of a key file, which is made when there is none')
    .option('--key-file <file>', 'with the seed', 'relay.key')
    .action(async ({ keyFile }: { keyFile: string }) => {
      const { publicKey } = await keyPairOf(keyFile)
      out(b4a.toString(publicKey, 'hex'))
    })
  program
    .command('grant')
    .description('print a grant for a device')
    .requiredOption('--issuer-key-file <file>', 'with the issuer’s seed')
    .requiredOption('--device <key>', 'its public key', (word: string) => hexOf(word))
    .requiredOption('--days <number>', 'until it expires', countOf)
    .option('--relay <key>', 'only for this one', (word: string) => hexOf(word))
    .option('--bytes-per-second <number>', 'no limit by default', countOf)
    .option('--quota-bytes <number>', 'no limit by default', countOf)
    .action(async ({ issuerKeyFile, days, ...options }: GrantSettings) => {
      const expiresAt = Date.now() + days * 86_400_000
      out(b4a.toString(createGrant(await keyPairOf(issuerKeyFile), { ...options, expiresAt }), 'hex'))
    })
}

interface GrantSettings {
  issuerKeyFile: string
  days: number
  device: Uint8Array
  relay?: Uint8Array
  bytesPerSecond?: number
  quotaBytes?: number
}

function isUnset(command: Command, name: string): boolean {
  const source = command.getOptionValueSource(name)
  return source === undefined || source === 'default'
}

/** What the environment says. */
function settingsOf({ environment }: Surroundings, options: readonly Option[]): Record<string, unknown> {
  const entries = options.flatMap((option) => {
    const name = option.attributeName()
    const value = environment[variableOf(name)]
    const wrong = (why: string): RelayError =>
      new RelayError('RELAY_BAD_ARGUMENT', `${variableOf(name)}: ${why}`)
    return value === undefined ? [] : [[name, parsed(option, value, wrong)]]
  })
  return Object.fromEntries(entries) as Record<string, unknown>
}

async function settingsIn(file: string, options: readonly Option[]): Promise<Record<string, unknown>> {
  const wrong = (why: string, cause?: unknown): RelayError =>
    new RelayError('RELAY_BAD_ARGUMENT', `${file}: ${why}`, { cause })
  const read: unknown = await readFile(file, 'utf8')
    .then((text) => JSON.parse(text) as unknown)
    .catch((error: unknown) => {
      throw wrong('cannot be read as JSON', error)
    })
  if (typeof read !== 'object' || read === null) throw wrong('an object is needed')
  const entries = Object.entries(read).map(([name, value]) => {
    const option = options.find((option) => option.attributeName() === name)
    if (option === undefined) throw wrong(`there is no option ${name}`)
    return [name, parsed(option, value, wrong)]
  })
  return Object.fromEntries(entries) as Record<string, unknown>
}

/** As if it had been written on the command line. */
function parsed(option: Option, value: unknown, wrong: (why: string) => RelayError): unknown {
  if (option.isBoolean()) return value === true || value === '1' || value === 'true'
  const words = (Array.isArray(value) ? value : [value]).map(String)
  try {
    const { parseArg } = option
    if (parseArg === undefined) return words.join(',')
    return words.reduce<unknown>((others, word) => parseArg(word, others as never), undefined)
  } catch (error) {
    throw wrong(`${option.attributeName()}: ${(error as Error).message}`)
  }
}
