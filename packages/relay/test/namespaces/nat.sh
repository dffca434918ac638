#!/usr/bin/env bash
# nat.sh <namespace> friendly|symmetric
#
# Makes a NAT what it is to be, inside world.sh. A friendly one gives an inner port one outer port for all destinations (endpoint-independent mapping, RFC 4787
# section 4.1), so a hole can be punched; a symmetric one gives another port to each destination, and nobody can tell which. Neither lets in what was not asked for.
set -euo pipefail
case $2 in
  friendly) mapping='' ;;
  symmetric) mapping='random,fully-random' ;;
  *) echo "a NAT is friendly or symmetric, and not $2" >&2; exit 1 ;;
esac
ip netns exec "$1" nft -f - <<RULES
flush ruleset
table ip nat {
  chain post {
    type nat hook postrouting priority 100
    oifname "out" masquerade $mapping
  }
}
table ip filter {
  chain inp {
    type filter hook input priority 0; policy accept;
    iifname "out" ct state new drop
  }
  chain fw {
    type filter hook forward priority 0; policy accept;
    iifname "out" ct state new drop
  }
}
RULES
