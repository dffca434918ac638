export { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
