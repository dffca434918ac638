// What the kernel (Linux) says of this process's sockets.
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'

/** Inodes of all sockets this process has. */
export function socketInodes() {
  return readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      return /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/self/fd/${fd}`))?.[1] ?? []
    } catch {
      return []
    }
  })
}

/** Ports of its IPv4 UDP sockets. */
export function udpPorts() {
  const own = new Set(socketInodes())
  const [, ...lines] = readFileSync('/proc/self/net/udp', 'utf8').trim().split('\n')
  return lines.flatMap((line) => {
    const [, local = '', , , , , , , , inode = ''] = line.trim().split(/\s+/)
    return own.has(inode) ? [Number.parseInt(local.split(':')[1] ?? '', 16)] : []
  })
}
