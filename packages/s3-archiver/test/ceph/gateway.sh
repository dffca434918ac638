#!/bin/bash
# Starts the S3 gateway of a cluster that `start.sh` has made; also again, after it was killed.
set -e
D=$1
PORT=$2
setsid radosgw -c "$D/ceph.conf" -n client.rgw -f > "$D/log/rgw.out" 2>&1 < /dev/null &
echo $! > "$D/rgw.pid"
for _ in $(seq 1 300); do
  (echo > "/dev/tcp/127.0.0.1/$PORT") 2> /dev/null && exit 0
  sleep 0.1
done
echo "the gateway does not answer on port $PORT; see $D/log" >&2
exit 1
