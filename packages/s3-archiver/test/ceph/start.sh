#!/bin/bash
# A real S3 server for tests: one-node Ceph RGW with its data in memory, on loopback only.
#
#   apt-get install -y --no-install-recommends ceph-mon ceph-osd ceph-mgr radosgw
#   start.sh <empty directory> <port>       then http://127.0.0.1:<port>, TESTKEY / TESTSECRETTESTSECRET
#
# Takes the two ports after the given one for its monitor. To stop it, send SIGKILL to the pids in <directory>/*.pid.
# cephx stays on: radosgw hangs without it. Without tcp_nodelay every small answer waits 40 ms for an acknowledgement.
set -e
D=$1
PORT=$2
MON_V2=$((PORT + 1))
MON_V1=$((PORT + 2))
mkdir -p "$D/mon" "$D/osd" "$D/log" "$D/mgr"
chmod 777 "$D" "$D/log"
FSID=$(cat /proc/sys/kernel/random/uuid)
cat > "$D/ceph.conf" <<C
[global]
fsid = $FSID
mon host = [v2:127.0.0.1:$MON_V2,v1:127.0.0.1:$MON_V1]
public network = 127.0.0.0/8
cluster network = 127.0.0.0/8
auth cluster required = cephx
auth service required = cephx
auth client required = cephx
osd pool default size = 1
osd pool default min size = 1
osd crush chooseleaf type = 0
osd pool default pg num = 1
osd pool default pgp num = 1
mon allow pool size one = true
mon warn on pool no redundancy = false
mon pg warn min per osd = 0
mon max pg per osd = 1000
osd objectstore = memstore
memstore device bytes = 4294967296
osd data = $D/osd
mon data = $D/mon
mgr data = $D/mgr
run dir = $D
admin socket = $D/\$name.\$pid.asok
log file = $D/log/\$name.log
pid file = $D/\$name.pid
setuser match path =
keyring = $D/keyring
ms bind ipv6 = false
paxos propose interval = 0.05
paxos min wait = 0.02
mon osdmap full prune enabled = false
osd heartbeat interval = 1
osd map message max = 100
rgw rados pool autoscale bias = 1
osd pg stat report interval max = 5
ms bind msgr2 = true
[client.rgw]
rgw frontends = beast endpoint=127.0.0.1:$PORT tcp_nodelay=1
rgw data = $D
rgw enable usage log = false
rgw run sync thread = false
rgw enable gc threads = false
rgw enable lc threads = false
rgw dynamic resharding = false
C
export CEPH_CONF=$D/ceph.conf
monmaptool --create --clobber --fsid "$FSID" --addv a "[v2:127.0.0.1:$MON_V2,v1:127.0.0.1:$MON_V1]" "$D/monmap" > /dev/null
ceph-authtool --create-keyring "$D/keyring" --gen-key -n mon. --cap mon 'allow *' > /dev/null
ceph-authtool "$D/keyring" --gen-key -n client.admin --cap mon 'allow *' --cap osd 'allow *' --cap mgr 'allow *'
ceph-authtool "$D/keyring" --gen-key -n client.rgw --cap mon 'allow *' --cap osd 'allow *'
ceph-authtool "$D/keyring" --gen-key -n osd.0 --cap mon 'allow profile osd' --cap osd 'allow *'
ceph-mon -c "$CEPH_CONF" --mkfs --keyring "$D/keyring" -i a --monmap "$D/monmap"
ceph-mon -c "$CEPH_CONF" -i a
timeout 20 ceph -c "$CEPH_CONF" -s > /dev/null
OSD=$(cat /proc/sys/kernel/random/uuid)
ceph -c "$CEPH_CONF" osd new "$OSD" > /dev/null
timeout 20 ceph -c "$CEPH_CONF" auth import -i "$D/keyring" 2> /dev/null
ceph-osd -c "$CEPH_CONF" -i 0 --mkfs --osd-uuid "$OSD" 2> /dev/null
ceph-osd -c "$CEPH_CONF" -i 0 > /dev/null 2>&1
radosgw-admin -c "$CEPH_CONF" user create --uid=t --display-name=t --access-key=TESTKEY --secret-key=TESTSECRETTESTSECRET > /dev/null
exec "$(dirname "$0")/gateway.sh" "$D" "$PORT"
