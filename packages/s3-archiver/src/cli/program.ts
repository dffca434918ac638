import { Command, CommanderError, InvalidArgumentError, Option } from 'commander'
import { ageOf, amountOf, countOf, keyOf, keysOf, shareOf, timeOf } from './arguments.ts'
import { backup, type BackupOptions } from './backup.ts'
import {
  list,
  pruneCommand,
  statsCommand,
  verifyCommand,
  type PruneCommandOptions,
  type VerifyCommandOptions
} from './care.ts'
import { restoreCommand, type RestoreCommandOptions } from './restore.ts'
import { serve, type ServeOptions } from './serve.ts'
import { Terminal, type Surroundings } from './terminal.ts'

/** How a command ended, for who called it. */
export const EXIT = { ok: 0, failed: 1, usage: 2, damaged: 3, fenced: 4, interrupted: 130 } as const

const CODES: Record<string, number> = {
  S3_ARCHIVER_BAD_ARGUMENT: EXIT.usage,
  S3_ARCHIVER_ABORTED: EXIT.interrupted,
  S3_ARCHIVER_DAMAGED: EXIT.damaged,
  S3_ARCHIVER_FENCED: EXIT.fenced,
  S3_ARCHIVER_HELD: EXIT.fenced
}

const STORE = 'a directory, s3://bucket/prefix?endpoint=…&region=…, or a public bucket’s https://…?prefix=…'

/** Options that name a state, of which one can be restored; as commander calls them. */
const POINTS: readonly string[] = ['atSeq', 'atTime', 'atLength']

/** One that cannot be given beside another one. */
function pointOption(flags: string, description: string, parse: (word: string) => number): Option {
  const option = new Option(flags, description).argParser(parse)
  return option.conflicts(POINTS.filter((name) => name !== option.attributeName()))
}

/**
 * Runs a command line.
 *
 * @param words - without the program's own name
 * @returns the exit code
 */
export async function run(words: readonly string[], surroundings: Surroundings): Promise<number> {
  let terminal = new Terminal(surroundings, words.includes('--json'))
  let isWhole = true
  const program = programOf(surroundings, (isOk) => (isWhole = isOk))
  program.hook('preAction', (command) => {
    terminal = new Terminal(surroundings, command.opts()['json'] === true)
    program.setOptionValue('terminal', terminal)
  })
  try {
    await program.parseAsync([...words], { from: 'user' })
    return isWhole ? EXIT.ok : EXIT.damaged
  } catch (error) {
    if (error instanceof InvalidArgumentError) surroundings.err(`error: ${error.message}`)
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage
    terminal.failure(error as Error)
    return CODES[(error as { code?: string }).code ?? ''] ?? EXIT.failed
  } finally {
    terminal.end()
  }
}

function programOf(surroundings: Surroundings, onVerified: (isOk: boolean) => void): Command {
  const trimmed = (text: string): string => text.replace(/\n$/, '')
  const program = new Command('cloudpal-archive')
    .description('Archives Hypercores in an object store, and brings them back.')
    .option('--json', 'print results for programs')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => surroundings.out(trimmed(text)),
      writeErr: (text) => surroundings.err(trimmed(text))
    })
  const terminal = (): Terminal => program.getOptionValue('terminal') as Terminal
  const from = new Option('--from <store>', STORE).makeOptionMandatory()

  program
    .command('backup <corestore>')
    .description('archive all cores of a Corestore')
    .requiredOption('--to <store>', STORE)
    .option('--create', 'begin an archive where there is none')
    .option('--watch', 'go on until Ctrl-C')
    .option('--take-over', 'also when another archiver has written the archive; that one cannot any more')
    .option('--bytes-per-second <number>', 'limit of what is uploaded', amountOf)
    .action((directory: string, options: BackupOptions) => backup(terminal(), directory, options))
  program
    .command('restore')
    .argument('<key>', 'of the core, as hex or z-base-32', keyOf)
    .description('put a core into a Corestore; what was interrupted goes on when it is called again')
    .addOption(from)
    .requiredOption('--into <corestore>', 'made when there is none')
    .addOption(pointOption('--at-seq <number>', 'as of a commit', countOf))
    .addOption(pointOption('--at-time <time>', 'as of a time', timeOf))
    .addOption(pointOption('--at-length <blocks>', 'the newest that was no longer', countOf))
    .option('--fork <number>', 'on which line, with --at-length', countOf)
    .addOption(new Option('--blocks <which>', 'which blocks').choices(['all', 'held', 'none']).default('all'))
    .addOption(
      new Option(
        '--writable <name>',
        'to be written here from now on, as the core of that name; fences the archiver before'
      ).conflicts([...POINTS])
    )
    .action((key: Uint8Array, options: RestoreCommandOptions) => restoreCommand(terminal(), key, options))
  program
    .command('verify')
    .description('check what the newest commit needs; exit code 3 when something is wrong')
    .addOption(from)
    .option('--key <key>', 'also check a core against its key; may be repeated', keysOf)
    .option('--share <number>', 'share of the objects that are read, from 0 to 1', shareOf)
    .option('--after <name>', 'go on after this object')
    .action(async (options: VerifyCommandOptions) => onVerified(await verifyCommand(terminal(), options)))
  program
    .command('prune')
    .description(
      'remove moments that no rule keeps, and what only they need; the newest stays, and one rule is needed'
    )
    .addOption(from)
    .option('--keep-last <number>', 'the last so many', countOf)
    .option('--keep-daily <number>', 'one of each of so many days', countOf)
    .option('--keep-weekly <number>', 'one of each of so many weeks', countOf)
    .option('--keep-monthly <number>', 'one of each of so many months', countOf)
    .option('--min-age-days <number>', 'what is younger stays (1)', ageOf)
    .option('--drop-lines', 'also what cores have given up by truncating')
    .option('--dry-run', 'only tell')
    .action((options: PruneCommandOptions) => pruneCommand(terminal(), options))
  program
    .command('ls')
    .description('list the moments that can be restored')
    .addOption(from)
    .option('--key <key>', 'with the state of a core', keyOf)
    .action((options: { from: string; key?: Uint8Array }) => list(terminal(), options))
  program
    .command('serve')
    .description('serve cores straight from the archive to peers, until Ctrl-C')
    .addOption(from)
    .requiredOption('--key <key>', 'of a core; may be repeated', keysOf)
    .option('--poll-seconds <number>', 'how often newer states are looked for', amountOf, 10)
    .action((options: ServeOptions) => serve(terminal(), options))
  program
    .command('stats')
    .description('say what is stored')
    .addOption(from)
    .action((options: { from: string }) => statsCommand(terminal(), options))
  return program
}
