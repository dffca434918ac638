export { recoverySheet, type RecoverySheetOptions, type SheetWords } from './recovery-sheet.ts'
export { qrModules, qrToSvg, qrToTerminal, type QrOptions } from './share-qr.ts'
