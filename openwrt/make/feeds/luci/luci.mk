# Stands in for LuCI's luci.mk. Translations, which have packages of their own in the feed, are in the one package here.
SECTION:=luci
URL:=https://github.com/wanbeacon/wanbeacon
TITLE:=$(LUCI_TITLE)
DEPENDS:=$(LUCI_DEPENDS)
luci_base:=$(patsubst luci-app-%,%,$(PKG_NAME))

include $(INCLUDE_DIR)/package.mk

define Package/$(PKG_NAME)
endef

define Package/$(PKG_NAME)/description
  $(LUCI_TITLE)
endef

define Package/$(PKG_NAME)/install
	mkdir -p $(1)/www $(1)/usr/lib/lua/luci/i18n
	cp -R $(CURDIR)/htdocs/. $(1)/www
	cp -R $(CURDIR)/root/. $(1)
	for language in $(patsubst po/%,%,$(filter-out po/templates,$(wildcard po/*))); do \
		$(CURDIR)/../lmo po/$$$$language/$(luci_base).po $(1)/usr/lib/lua/luci/i18n/$(luci_base).$$$$language.lmo || exit 1; done
	mkdir -p $(1)/etc/uci-defaults
	echo "uci set luci.languages.de='Deutsch (German)'; uci commit luci" > $(1)/etc/uci-defaults/luci-i18n-$(luci_base)-de
	find $(1) -type d -exec chmod 0755 {} +
	find $(1) -type f -exec chmod u=rwX,go=rX {} +
endef

define Package/$(PKG_NAME)/postinst
#!/bin/sh
[ -z "$$IPKG_INSTROOT" ] || exit 0
rm -f /tmp/luci-indexcache.*
rm -rf /tmp/luci-modulecache/
/etc/init.d/rpcd reload
exit 0
endef

$(eval $(call BuildPackage,$(PKG_NAME)))
