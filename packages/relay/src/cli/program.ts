import b4a from 'b4a'
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander'
import { nameOf } from '../keys.ts'
import { createGrant } from '../policy/grant.ts'
import { countOf, keyOf, variableOf, wordOf } from './arguments.ts'
import { addReplicas } from './replicas.ts'
import { keyPairOf, signerOf } from './secret-key.ts'
import { serve, type ServeSettings } from './serve.ts'
import { serveOptions } from './serve-options.ts'
import { revokedIn, settingsIn, settingsOf } from './settings.ts'
import type { Surroundings } from './surroundings.ts'
import { wholeMessage } from './whole-message.ts'

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
  addReplicas(program, surroundings)
  try {
    await program.parseAsync([...words], { from: 'user' })
    return EXIT.ok
  } catch (error) {
    if (error instanceof InvalidArgumentError) surroundings.err(`error: ${error.message}`)
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage
    surroundings.err(wholeMessage(error as Error))
    return (error as { code?: string }).code === 'RELAY_BAD_ARGUMENT' ? EXIT.usage : EXIT.failed
  }
}

function addServe(program: Command, surroundings: Surroundings): void {
  const command = program.command('serve', { isDefault: true }).description('serve until Ctrl-C, then drain')
  const options = serveOptions()
  for (const option of options) command.addOption(option)
  command.addOption(
    new Option('--config <file>', 'JSON: options by their names, as "tcpPort"').argParser(wordOf)
  )
  const given = (): ServeSettings & { config?: string } => command.opts()
  const config = (): string | null =>
    given().config ?? (surroundings.environment[variableOf('config')] || null)
  // Unlike all others these add up.
  const revoked = async (): Promise<Uint8Array[]> => [
    ...(given().revoke ?? []),
    ...(await revokedIn(surroundings, config()))
  ]
  const settings = async (): Promise<ServeSettings> => {
    const file = config()
    const layers = [file === null ? {} : await settingsIn(file, options), settingsOf(surroundings, options)]
    const free = options.map((option) => option.attributeName()).filter((name) => isUnset(command, name))
    const below = layers.flatMap((layer) => Object.entries(layer).filter(([name]) => free.includes(name)))
    return { ...given(), ...Object.fromEntries(below), revoke: await revoked() }
  }
  command.action(async () => serve(await settings(), surroundings, { settings, revoked }))
}

function addKeys(program: Command, { out }: Surroundings): void {
  program
    .command('key')
    .description('print the public key of a key file, which is made when there is none')
    .option('--key-file <file>', 'with the seed', 'relay.key')
    .action(async ({ keyFile }: { keyFile: string }) => {
      const { publicKey } = await keyPairOf(keyFile)
      out(nameOf(publicKey))
    })
  program
    .command('grant')
    .description('print a grant for a device')
    .requiredOption('--issuer-key-file <file>', 'with the issuer’s seed')
    .requiredOption('--device <key>', 'its public key', (word: string) => keyOf(word))
    .requiredOption('--days <number>', 'until it expires', countOf)
    .option('--relay <key>', 'only for this one', (word: string) => keyOf(word))
    .option('--bytes-per-second <number>', 'no limit by default', countOf)
    .option('--quota-bytes <number>', 'no limit by default', countOf)
    .action(async ({ issuerKeyFile, days, ...options }: GrantSettings) => {
      const expiresAt = Date.now() + days * 86_400_000
      out(b4a.toString(createGrant(await signerOf(issuerKeyFile), { ...options, expiresAt }), 'hex'))
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
