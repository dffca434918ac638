/** Who is measured, and where it comes from. Loaded only in the processes that need it. */
export const WAYS = {
  'relay-udp': async () => (await import('./paired-udp.mjs')).ours,
  'relay-ws': async () => (await import('./our-streams.mjs')).ws,
  'relay-tcp': async () => (await import('./our-streams.mjs')).tcp,
  'blind-relay': async () => (await import('./paired-udp.mjs')).bare,
  'dht-relay': async () => (await import('./dht-relay.mjs')).way,
  'direct-udp': async () => (await import('./direct-udp.mjs')).way,
  'ws-noise': async () => {
    // `ws` as it comes: it looks for bufferutil when it is loaded, and here it would find ours.
    process.env['WS_NO_BUFFER_UTIL'] = '1'
    return (await import('./plain-streams.mjs')).ws
  },
  'ws-noise-native': async () => (await import('./plain-streams.mjs')).ws,
  'tcp-noise': async () => (await import('./plain-streams.mjs')).tcp
}

/** Those where every byte goes through the process in between. */
export const RELAYED = ['relay-udp', 'relay-ws', 'relay-tcp', 'blind-relay', 'dht-relay']

/**
 * @param {string | undefined} name
 * @returns {Promise<import('./way.mjs').Way>}
 */
export async function wayOf(name) {
  const load = WAYS[/** @type {keyof typeof WAYS} */ (name)]
  if (load === undefined) throw new Error(`no way ${name}`)
  return load()
}
