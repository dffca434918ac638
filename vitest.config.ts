import { existsSync, readdirSync } from 'node:fs'
import { basename, resolve } from 'node:path'
import { defineConfig } from 'vitest/config'

/** Every package with a `test` folder is one project, named for its folder; so is the bench. */
const projects = [...readdirSync('packages').map((name) => `packages/${name}`), 'bench']
  .filter((folder) => existsSync(`${folder}/test`))
  .map((folder) => ({
    extends: true as const,
    root: folder,
    test: {
      name: basename(folder),
      include: ['test/**/*.test.ts'],
      globalSetup: [`${folder}/test/global-setup.mjs`].filter(existsSync).map((file) => resolve(file))
    }
  }))

export default defineConfig({
  test: {
    projects,
    pool: 'forks',
    // They end what hangs, after `until` has said for what: no test has to be fast.
    testTimeout: 300_000,
    hookTimeout: 300_000
  }
})
