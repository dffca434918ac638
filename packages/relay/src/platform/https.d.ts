export { createServer } from 'node:https'
