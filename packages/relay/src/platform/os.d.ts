/** What Node's `os` and `bare-os` both have of what is used here. */
export interface InterfaceAddress {
  readonly address: string
  readonly family: string | number
  readonly internal: boolean
}

export function networkInterfaces(): Record<string, readonly InterfaceAddress[] | undefined>
