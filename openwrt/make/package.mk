# Stands in for the buildroot's package.mk. The only target, `package`, installs into $(STAGE) and writes each
# fact of the package into a file of that name in $(FACTS).

# As include/package-pack.mk has it: conditions go, `+` only means "select it too", and libc is everybody's.
plain_depends=libc $(subst +,,$(filter-out @%,$(DEPENDS)))

define BuildPackage
$(eval $(Package/$(1)))

package:
	$(call Package/$(1)/install,$(STAGE))
	$$(file >$(FACTS)/name,$(1))
	$$(file >$(FACTS)/version,$(PKG_VERSION))
	$$(file >$(FACTS)/release,$(PKG_RELEASE))
	$$(file >$(FACTS)/source_name,$(PKG_NAME))
	$$(file >$(FACTS)/maintainer,$(PKG_MAINTAINER))
	$$(file >$(FACTS)/license,$(PKG_LICENSE))
	$$(file >$(FACTS)/license_files,$(PKG_LICENSE_FILES))
	$$(file >$(FACTS)/section,$(SECTION))
	$$(file >$(FACTS)/url,$(URL))
	$$(file >$(FACTS)/user,$(USERID))
	$$(file >$(FACTS)/depends,$(plain_depends))
	$$(file >$(FACTS)/description,$$(Package/$(1)/description))
	$$(file >$(FACTS)/conffiles,$$(Package/$(1)/conffiles))
	$$(file >$(FACTS)/postinst,$$(Package/$(1)/postinst))
	$$(file >$(FACTS)/postrm,$$(Package/$(1)/postrm))
endef
