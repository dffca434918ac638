import crypto from 'hypercore-crypto'

/** Devices that one process has. */
export const DEVICES = 4

/** The key pair of a relay or a device, the same in every process. @param {string} role @param {number} number */
export function keyPairOf(role, number) {
  return crypto.keyPair(crypto.hash(Buffer.from(`${role} ${number}`)))
}

/** Those of one process, by its number. @param {number} group */
export function devicesOf(group) {
  return Array.from({ length: DEVICES }, (_, i) => keyPairOf('device', group * DEVICES + i))
}

/** Whether a device of a process shows a grant; the others are on the allow-list. @param {number} device its number there */
export function hasGrant(device) {
  return device % 4 === 2
}

/** Whether it follows the owner's signed set of relays; the others are told of each relay. @param {number} device */
export function followsSet(device) {
  return device % 4 === 0
}
