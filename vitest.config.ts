import { existsSync, readdirSync } from 'node:fs'
import { defineConfig } from 'vitest/config'

/** Every package with a `test` folder is one project, named for its folder. */
const projects = readdirSync('packages')
  .filter((name) => existsSync(`packages/${name}/test`))
  .map((name) => ({
    extends: true as const,
    root: `packages/${name}`,
    test: { name, include: ['test/**/*.test.ts'] }
  }))

export default defineConfig({
  test: {
    projects,
    pool: 'forks',
    testTimeout: 30_000,
    hookTimeout: 30_000
  }
})
