/** What is used of Node's `os`. */
export interface InterfaceAddress {
  readonly address: string
  readonly family: string | number
  readonly internal: boolean
  readonly netmask: string
}

export function networkInterfaces(): Record<string, readonly InterfaceAddress[] | undefined>
