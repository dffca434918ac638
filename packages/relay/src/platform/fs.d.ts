export { link, mkdir, open, readFile, rename, unlink } from 'node:fs/promises'
