/**
 * A DHT of one's own. Needs `hyperdht`.
 *
 * @packageDocumentation
 */
export {
  type AnnouncedLike,
  AnnouncementKeeper,
  type AnnouncementKeeperOptions,
  type FindPeerLike,
  type FindPeerQueryLike
} from './announcement-keeper.ts'
export { BootstrapNode, type BootstrapNodeOptions } from './bootstrap-node.ts'
