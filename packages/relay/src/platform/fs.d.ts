export { chmod, mkdir, readFile, writeFile } from 'node:fs/promises'
