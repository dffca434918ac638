#!/usr/bin/env bash
# base-image.sh [engine]
#
# Makes what the Dockerfile begins with, node:22-bookworm-slim, of Debian's packages and npm's, where no registry of images can be reached: Debian's smallest system, Node and npm
# under /usr/local, and the user `node`. Elsewhere: `docker pull node:22-bookworm-slim`. Needs root, debootstrap, npm, and podman or docker (the engine). About 200 MB, two minutes.
set -euo pipefail
engine=${1:-podman}
# As https://github.com/nodejs/docker-node/blob/main/22/bookworm-slim/Dockerfile has it; npm is the one that comes with it.
NODE=22.23.3
NPM=10.9.9
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
case $(uname -m) in x86_64) arch=x64 ;; aarch64) arch=arm64 ;; *) echo "no Node for $(uname -m)" >&2 && exit 1 ;; esac

debootstrap --variant=minbase bookworm "$work/root" http://deb.debian.org/debian
rm -rf "$work"/root/var/cache/apt/* "$work"/root/var/lib/apt/lists/* "$work"/root/usr/share/{doc,info,man}/*
(cd "$work" && npm pack --silent "node-linux-$arch@$NODE" "npm@$NPM")
mkdir -p "$work/root/usr/local/lib/node_modules/npm"
tar -xzf "$work/node-linux-$arch-$NODE.tgz" -C "$work" package/bin/node
mv "$work/package/bin/node" "$work/root/usr/local/bin/node"
tar -xzf "$work/npm-$NPM.tgz" -C "$work/root/usr/local/lib/node_modules/npm" --strip-components 1
ln -s ../lib/node_modules/npm/bin/npm-cli.js "$work/root/usr/local/bin/npm"
ln -s ../lib/node_modules/npm/bin/npx-cli.js "$work/root/usr/local/bin/npx"
chroot "$work/root" groupadd --gid 1000 node
chroot "$work/root" useradd --uid 1000 --gid node --shell /bin/bash --create-home node
tar --create --numeric-owner --directory "$work/root" . |
  "$engine" import --change 'CMD ["node"]' --change 'ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' - docker.io/library/node:22-bookworm-slim
