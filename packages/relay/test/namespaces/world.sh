#!/usr/bin/env bash
# world.sh <nat of a> <nat of b> <command…>
#
# Runs a command in a small internet of its own: devices in the network namespaces `a` and `b`, each behind a NAT of its own, and `pub`, the public side.
#
#   a 10.1.0.2 ── natA 198.51.100.10 ──┐
#                                      ├── pub 198.51.100.1
#   b 10.2.0.2 ── natB 198.51.100.20 ──┘
#
# A NAT is `friendly` or `symmetric`; nat.sh changes it later. Everything hangs on the processes of one PID namespace: when the first of them ends, in whatever
# way, the kernel ends the others and takes the namespaces and links away. Needs root, iproute2, nftables and util-linux.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
if [ "${INSIDE_WORLD:-}" != 1 ]; then
  export INSIDE_WORLD=1
  exec unshare --mount --net --pid --fork --kill-child --mount-proc --propagation private "$here/world.sh" "$@"
fi
nat_a=$1 nat_b=$2
shift 2

mkdir -p /run/netns
mount -t tmpfs tmpfs /run/netns
for name in a natA pub natB b; do
  ip netns add "$name"
  ip -n "$name" link set lo up
done

ip -n pub link add br0 type bridge
ip -n pub addr add 198.51.100.1/24 dev br0
ip -n pub link set br0 up

# device, its NAT, the inner network, the outer address
behind() {
  ip link add in netns "$1" type veth peer name in netns "$2"
  ip link add out netns "$2" type veth peer name "to-$2" netns pub
  ip -n pub link set "to-$2" master br0 up
  ip -n "$1" addr add "$3.2/24" dev in
  ip -n "$2" addr add "$3.1/24" dev in
  ip -n "$2" addr add "$4/24" dev out
  ip -n "$1" link set in up
  ip -n "$2" link set in up
  ip -n "$2" link set out up
  ip -n "$1" route add default via "$3.1"
  ip netns exec "$2" sysctl -qw net.ipv4.ip_forward=1
}
behind a natA 10.1.0 198.51.100.10
behind b natB 10.2.0 198.51.100.20
"$here/nat.sh" natA "$nat_a"
"$here/nat.sh" natB "$nat_b"

"$@"
