import { badArgument, checkOptions, checkShare } from '../arguments.ts'
import { dealerFingerprint } from '../fingerprint.ts'
import type { Share } from '../format/share.ts'
import { shareToText } from '../share-text.ts'
import { qrToSvg } from './share-qr.ts'

export interface SheetWords {
  /** `lang` of the page. */
  readonly language: string
  readonly title: string
  readonly intro: string
  readonly keep: readonly string[]
  /** Stands before the dealer's fingerprint. */
  readonly fingerprint: string
  readonly use: readonly string[]
}

export interface RecoverySheetOptions {
  /** Whose secret it is. */
  owner: string
  /** Who keeps this sheet. */
  holder: string
  /** As it is to be printed, e.g. `21 November 2026`. */
  date: string
  /** In another language. @defaultValue English */
  words?: SheetWords
}

/**
 * A page to print, for one holder: what it is, what to do with it, the QR code and the text. One HTML document that loads nothing and runs
 * nothing. As secret as the share: print it from a device you trust, on a printer that keeps no copies.
 */
export function recoverySheet(share: Share, options: RecoverySheetOptions): string {
  checkShare(share)
  checkOptions(options)
  const { owner, holder, date } = options
  if (![owner, holder, date].every((text) => typeof text === 'string')) {
    throw badArgument('owner, holder and date must be text')
  }
  const { label, threshold, holders, epoch, dealer } = share.header
  const words = options.words ?? english(owner, threshold, holders)
  const items = (list: readonly string[]): string => list.map((item) => `<li>${escape(item)}</li>`).join('')
  const facts = [
    `${isolated(label)} · ${isolated(owner)} → ${isolated(holder)}`,
    `${share.index}/${holders} · ${threshold} needed · epoch ${epoch} · ${isolated(date)}`,
    `${escape(words.fingerprint)} <b>${dealerFingerprint(dealer)}</b>`
  ]
  return `<!doctype html>
<html lang="${escape(words.language)}">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${escape(words.title)}</title>
<style>
@page { size: A4; margin: 18mm }
body { font: 11pt/1.4 sans-serif; color: #000; background: #fff; max-width: 170mm; margin: auto }
svg { width: 70mm; height: 70mm; display: block; margin: 4mm auto }
code { font: 9pt/1.6 monospace; overflow-wrap: anywhere; display: block }
.facts { border-block: .3mm solid #000; padding: 2mm 0 }
</style>
</head>
<body>
<h1>${escape(words.title)}</h1>
<p>${escape(words.intro)}</p>
<p class="facts">${facts.join('<br>')}</p>
<ul>${items(words.keep)}</ul>
${qrToSvg(share)}
<code>${groups(shareToText(share))}</code>
<ol>${items(words.use)}</ol>
</body>
</html>
`
}

function english(owner: string, threshold: number, holders: number): SheetWords {
  return {
    language: 'en',
    title: `A spare key for ${owner}`,
    intro: `This page is one of ${holders} parts of a spare key. Any ${threshold} of them together open what ${owner} has locked away. This one alone opens nothing.`,
    keep: [
      'Keep it where you keep your passport. Do not photograph it, and do not put it into a computer without need.',
      `Give it to nobody but ${owner}, and only after you have spoken to them.`,
      'If it is lost or somebody has seen it, tell them: they can make new ones.'
    ],
    fingerprint: `All sheets of ${owner} show the same fingerprint:`,
    use: [
      `${owner} asks you for help, by telephone or in person. Make sure that it is really them.`,
      'Open the app, choose “help a friend”, and scan the code above or type the text.',
      'Type in the three words that they read to you, and then read to them the three others that your app shows.'
    ]
  }
}

/** Blocks of four, which eyes can follow. */
function groups(text: string): string {
  return text.replaceAll(/(.{4})(?=.)/g, '$1 ')
}

/** A name in letters from right to left does not turn round what stands beside it. */
function isolated(text: string): string {
  return `<bdi>${escape(text)}</bdi>`
}

function escape(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
}
