import curve, { type NoiseCurve } from 'noise-curve-ed'

/** Diffie–Hellman over Ed25519 keys, as Hyperswarm does it. */
export const ed25519Curve: NoiseCurve = curve
