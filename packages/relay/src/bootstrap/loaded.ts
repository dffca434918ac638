import { RelayError } from '../errors.ts'

/**
 * Loads what needs hyperdht, an optional peer.
 *
 * @throws RelayError `RELAY_UNSUPPORTED_UPSTREAM` where it is missing
 */
export async function loaded<T>(load: () => Promise<T>): Promise<T> {
  try {
    return await load()
  } catch (error) {
    const help =
      'a node of the DHT needs hyperdht, which is not there or does not load: npm install hyperdht@6'
    throw new RelayError('RELAY_UNSUPPORTED_UPSTREAM', help, { cause: error })
  }
}
