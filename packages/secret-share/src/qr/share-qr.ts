import { encode, renderSVG, renderUnicodeCompact } from 'uqr'
import { checkOptions } from '../arguments.ts'
import type { Share } from '../format/share.ts'
import { sealedToText, shareToText } from '../share-text.ts'

/** White modules around the code: ISO/IEC 18004 asks for four. */
const BORDER = 4

export interface QrOptions {
  /**
   * How much of the code may be dirty: L 7 %, M 15 %, Q 25 %. More makes it larger: version 11 (61 modules a side), 13 (69), 16 (81) for a
   * usual share.
   *
   * @defaultValue 'M'
   */
  correction?: 'L' | 'M' | 'Q'
}

/**
 * A QR code (ISO/IEC 18004) of a share, or of a sealed one's bytes, as SVG without scripts or links. Print it 5 cm wide or more: then a telephone reads it
 * from a hand's distance. As secret as the share.
 */
export function qrToSvg(share: Share | Uint8Array, options: QrOptions = {}): string {
  checkOptions(options)
  return renderSVG(qrText(share), { border: BORDER, ecc: options.correction ?? 'M', pixelSize: 4 })
}

/** The same for a terminal with dark letters on white or the reverse, two modules a character. @param invert for dark terminals */
export function qrToTerminal(
  share: Share | Uint8Array,
  options: QrOptions & { invert?: boolean } = {}
): string {
  checkOptions(options)
  const { correction = 'M', invert = true } = options
  return renderUnicodeCompact(qrText(share), { border: BORDER, ecc: correction, invert })
}

/** The code's modules, row by row, `true` where dark, without a border. */
export function qrModules(share: Share | Uint8Array, options: QrOptions = {}): boolean[][] {
  checkOptions(options)
  return encode(qrText(share), { border: 0, ecc: options.correction ?? 'M' }).data
}

/** In upper case: QR codes have a mode for capitals and digits that takes 5.5 bits a character (ISO/IEC 18004, 7.4.4). */
function qrText(share: Share | Uint8Array): string {
  return (share instanceof Uint8Array ? sealedToText(share) : shareToText(share)).toUpperCase()
}
