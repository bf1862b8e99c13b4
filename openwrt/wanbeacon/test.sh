#!/bin/sh
# Run by the feed's checks with the package's name and version, where neither procd nor ubus is.
set -e

[ "$1" = wanbeacon ] || exit 0
wanbeacon --version | grep "^wanbeacon $2 "
wanbeacon check --uci /etc/config/wanbeacon
