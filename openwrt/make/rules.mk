# Stands in for the buildroot's rules.mk, so that openwrt/package reads the very Makefile that the feed has.
INCLUDE_DIR:=$(TOPDIR)

INSTALL_DIR:=install -d -m0755
INSTALL_BIN:=install -m0755
INSTALL_DATA:=install -m0644
INSTALL_CONF:=install -m0600
