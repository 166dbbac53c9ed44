#!/bin/sh
# The unit has its own; for an administrator's commands (zion check, zion upgrade) the keys lie where it takes them from.
export CREDENTIALS_DIRECTORY="${CREDENTIALS_DIRECTORY:-/etc/zion/keys}"
exec /usr/bin/node /usr/lib/zion/bin/zion.js "$@"
