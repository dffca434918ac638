import color from 'picocolors'

/**
 * @import { WriteStream } from 'node:tty'
 * @import { DeviceName, Fact, Summary, Version } from './facts.ts'
 */

/** @type {Record<string, (text: string) => string>} */
const DEVICE_COLORS = { phone: color.cyan, laptop: color.magenta, cloud: color.blue }

/**
 * Puts facts in words, on a terminal or in a file.
 *
 * @param {WriteStream} out
 */
export function narrator(out) {
  const started = performance.now()
  const seconds = () => color.dim(`${((performance.now() - started) / 1000).toFixed(1)} s`)
  const say = (/** @type {string} */ line = '') => out.write(`${out.isTTY ? '\r\u001b[K' : ''}${line}\n`)

  /** @type {{ [T in Fact['type']]: (fact: Extract<Fact, { type: T }>) => void }} */
  const words = {
    read: ({ file, cards, contacts, unreadable }) => {
      say(`${color.bold(file)}: ${counted(cards, 'card')}, ${counted(contacts, 'contact')}`)
      for (const { line, reason } of unreadable)
        say(color.yellow(`  the card in line ${line} is skipped: ${reason}`))
    },
    started: () =>
      say(
        `Three processes with a store each: ${Object.keys(DEVICE_COLORS).map(named).join(', ')}  ${seconds()}`
      ),
    paired: ({ device, by }) =>
      say(`  ${tick} ${named(device)} has joined, by an invite of ${named(by)}  ${seconds()}`),
    parted: ({ why }) => say(`\n${color.bold('Offline')}: ${why}`),
    progress: ({ device, done, total }) => {
      const line = `  ${named(device)} imports: ${done} of ${total}`
      if (out.isTTY) out.write(`\r\u001b[K${line}`)
      else if (done === total) say(line)
    },
    had: ({ summaries }) => {
      say('  What each device has now:')
      for (const [device, summary] of Object.entries(summaries))
        say(`    ${padded(device)} ${described(summary)}`)
    },
    imported: ({ shared, conflicts, summaries }) => {
      say(`\n${color.bold('Online')}: all have everything  ${seconds()}`)
      for (const [device, summary] of Object.entries(summaries))
        say(`    ${padded(device)} ${described(summary)}`)
      say(`  ${tick} ${shared} contacts had been imported twice: ${counted(conflicts, 'conflict')}`)
    },
    edited: ({ device, contact, what }) => say(`  ${padded(device)} ${contact}: ${what}`),
    killed: ({ device, acknowledged }) => {
      say(
        `  ${color.red('✗')} ${named(device)} is killed (SIGKILL) in mid-write: ${acknowledged} acknowledged before the kill`
      )
    },
    restarted: ({ device, acknowledged, found, more }) => {
      const extra = more === 0 ? '' : `, and ${more} that had been on their way`
      say(
        `  ${tick} ${named(device)} starts again: ${found} of ${acknowledged} found after${extra}  ${seconds()}`
      )
    },
    met: () => say(`\n${color.bold('Online')}: merged  ${seconds()}`),
    merged: ({ contact, what }) => say(`  ${tick} ${contact}: ${what}`),
    conflict: ({ contact, field, shown, other }) => {
      say(`\n${color.yellow('One conflict')}: ${color.bold(field)} of ${contact}`)
      say(`    shown      ${quoted(shown)}`)
      say(`    also there ${quoted(other)}`)
    },
    resolved: ({ device, value, left }) => {
      say(
        `  ${tick} resolved on ${named(device)}: ${JSON.stringify(value)}; ${counted(left, 'conflict')} left on any device`
      )
    },
    agreed: ({ contacts, calls, hash }) => {
      say(
        `\n${color.green(color.bold(`All three hold the same ${contacts} contacts`))} (and ${calls} calls, sha256 ${hash.slice(0, 16)})  ${seconds()}`
      )
    }
  }
  return {
    tell: (/** @type {Fact} */ fact) => /** @type {(fact: Fact) => void} */ (words[fact.type])(fact),
    fail: (/** @type {unknown} */ reason) =>
      say(color.red(reason instanceof Error ? reason.message : String(reason)))
  }
}

const tick = color.green('✓')

/** @param {string} device */
function named(device) {
  return DEVICE_COLORS[device]?.(device) ?? device
}

/** @param {string} device */
function padded(device) {
  return named(device) + ' '.repeat(6 - device.length)
}

/**
 * @param {number} number
 * @param {string} noun
 */
function counted(number, noun) {
  return `${number} ${noun}${number === 1 ? '' : 's'}`
}

/** @param {Summary} summary */
function described({ contacts, calls, hash }) {
  const what = `${String(contacts).padStart(4)} contacts${calls === 0 ? '' : `, ${calls} calls`}`
  return `${what}  ${color.dim(hash.slice(0, 8))}`
}

/** @param {Version} version */
function quoted({ value, device, time }) {
  return `${JSON.stringify(value)}  ${named(device)}, ${new Date(time).toLocaleTimeString('en-GB')}.${String(time % 1000).padStart(3, '0')}`
}
