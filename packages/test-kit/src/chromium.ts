import { existsSync } from 'node:fs'

/** Debian's, or what else there is; `CHROMIUM` says where. Empty where there is none. */
const PLACES = [process.env['CHROMIUM'], '/usr/bin/chromium', '/usr/bin/google-chrome']
export const CHROMIUM: string = PLACES.find((place) => place !== undefined && existsSync(place)) ?? ''
