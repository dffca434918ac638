import type { IncomingMessage } from '#http'
import { isIP } from '#net'
import proxyAddr from 'proxy-addr'
import { RelayError } from '../errors.ts'

/**
 * Proxies that end TLS before a relay, and say in `X-Forwarded-For` for whom. What anybody else says there is not believed: it would be a way past every
 * limit by address.
 */
export class Proxies {
  readonly #isTrusted: (address: string) => boolean

  /**
   * @param trusted - addresses, or networks as `10.0.0.0/8`; `loopback`, `linklocal` and `uniquelocal` name theirs
   * @throws {@link RelayError} `RELAY_BAD_ARGUMENT`
   */
  constructor(trusted: readonly string[]) {
    try {
      const compiled = trusted.length === 0 ? () => false : proxyAddr.compile([...trusted])
      this.#isTrusted = (address) => compiled(address, 0)
    } catch (error) {
      const help = `a proxy is an IP address or a network: ${trusted.join(', ')}`
      throw new RelayError('RELAY_BAD_ARGUMENT', help, { cause: error })
    }
  }

  /** Whether it is one of them. */
  has(address: string): boolean {
    return this.#isTrusted(address)
  }

  /** Who has sent a request: the last address in it that was added by a proxy of ours, and is none. */
  clientOf(request: IncomingMessage): string {
    const { remoteAddress = '' } = request.socket
    if (!this.has(remoteAddress)) return remoteAddress
    const client = withoutPort(proxyAddr(request, (address) => this.#isTrusted(withoutPort(address))))
    return isIP(client) === 0 ? remoteAddress : client
  }
}

/** Some proxies, such as Azure's, say `203.0.113.1:4711` and `[2001:db8::1]:4711` in X-Forwarded-For. */
function withoutPort(address: string): string {
  const [, six, four] = /^(?:\[([0-9a-f:.]+)\](?::\d+)?|([0-9.]+):\d+)$/i.exec(address) ?? []
  return six ?? four ?? address
}
