export { link, mkdir, open, readFile, unlink } from 'node:fs/promises'
