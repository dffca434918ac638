// Serves the page, which asks the bucket itself: npm run page [port]
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { rolldown } from 'rolldown'

const WEB = new URL('../web/', import.meta.url)

/**
 * The page's script with all that it needs, for a browser.
 *
 * @returns {Promise<string>}
 */
export async function bundlePage() {
  const bundle = await rolldown({
    input: fileURLToPath(new URL('page.mjs', WEB)),
    platform: 'browser',
    logLevel: 'silent',
    transform: { define: { global: 'globalThis' } }
  })
  const { output } = await bundle.generate({ format: 'esm', minify: true })
  await bundle.close()
  return output[0].code
}

/** @param {number} port 0 for any */
export async function servePage(port) {
  const [page, script] = await Promise.all([readFile(new URL('index.html', WEB)), bundlePage()])
  const server = createServer(({ url }, response) => {
    if (url === '/') response.setHeader('content-type', 'text/html').end(page)
    else if (url === '/page.js') response.setHeader('content-type', 'text/javascript').end(script)
    else response.writeHead(404).end()
  })
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  const address = /** @type {import('node:net').AddressInfo} */ (server.address())
  return { server, url: `http://127.0.0.1:${address.port}/`, bytes: script.length }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const { url } = await servePage(Number(process.argv[2] ?? 8080))
  console.log(url)
}
