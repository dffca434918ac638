#!/usr/bin/env bash
# lan.sh <command…>
#
# Runs a command beside a local network of its own: the network namespaces `a` (10.3.0.1), `b` (10.3.0.2) and `c` (10.3.0.3), joined by a bridge, with no way out.
# Everything ends with the first of its processes, as in world.sh.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
if [ "${INSIDE_WORLD:-}" != 1 ]; then
  export INSIDE_WORLD=1
  exec unshare --mount --net --pid --fork --kill-child --mount-proc --propagation private "$here/lan.sh" "$@"
fi

mkdir -p /run/netns
mount -t tmpfs tmpfs /run/netns
ip link add br0 type bridge
# Else the bridge holds back multicast until somebody asks who wants it.
ip link set br0 type bridge mcast_snooping 0
ip link set br0 up
host=0
for name in a b c; do
  host=$((host + 1))
  ip netns add "$name"
  ip -n "$name" link set lo up
  ip link add lan netns "$name" type veth peer name "to-$name"
  ip link set "to-$name" master br0 up
  ip -n "$name" addr add "10.3.0.$host/24" dev lan
  ip -n "$name" link set lan up
done

"$@"
