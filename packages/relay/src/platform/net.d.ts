export { connect, createServer, isIP, type AddressInfo, type Server, type Socket } from 'node:net'
