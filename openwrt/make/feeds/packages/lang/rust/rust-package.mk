# Stands in for the packages feed's file: the program is compiled already.
RUST_ARCH_DEPENDS:=@any
RustBinPackage:=
