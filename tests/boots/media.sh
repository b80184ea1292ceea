#!/usr/bin/env bash
# Makes the bootable media of tests/boots from Debian packages, in .cache/guests/media (ignored by git), and collects other firmware in
# .cache/guests/firmware. Run it after fetch.sh, whose kernels it uses. Needs mtools, dosfstools, xorriso, nasm and e2fsprogs, for the root file
# system also debootstrap and root; what is missing is said, and its images are left out.
#   media.sh [loaders|systems|NAME...]   a group or images by name; without any, both groups
#   grub-floppy.img grub-cd.iso        GRUB's rescue media, as packaged
#   grub-linux.iso                     GRUB, own menu, the small guest
#   grub-kernels.iso                   GRUB, one menu entry for each of its loaders: a real-time kernel, the small guest and memtest86+
#                                      through the 16-bit entry, a multiboot2 kernel of our own
#   syslinux-floppy.img                SYSLINUX on FAT12: a text, then memtest86+
#   isolinux.iso                       ISOLINUX, the small guest
#   syslinux-disk.img                  MBR and SYSLINUX on FAT16, the small guest
#   memtest-cd.iso memtest-floppy.img  memtest86+: CD with an emulated floppy, SYSLINUX floppy
#   ipxe.iso  root.img                 iPXE, a Debian system installed with GRUB
#   installer.iso  installer-gtk.iso   Debian's installer: i386, text; amd64, graphical
set -euo pipefail
cd "$(dirname "$0")/../.."
out=$PWD/.cache/guests
media=$out/media firmware=$out/firmware
. tests/boots/apt.sh
PATH=$PATH:/sbin:/usr/sbin
export MTOOLS_SKIP_CHECK=1
mkdir -p "$media" "$firmware"
pkg=$out/pkg/amd64

wanted=("$@")
[ $# -gt 0 ] || wanted=(loaders systems)

# A wanted image, unless it is newer than this script; leaves nothing half made.
image() { # group file tools...
  local group=$1 file=$2 tool
  shift 2
  case " ${wanted[*]} " in *" $group "* | *" $file "*) ;; *) return 0 ;; esac
  [ "$media/$file" -nt tests/boots/media.sh ] && return 0
  for tool in "$@"; do
    command -v "$tool" >/dev/null || { echo "tests/boots/media.sh: no $file: $tool is missing"; return 0; }
  done
  step "$file" make "$file"
  clean
  rm -f "$media/$file.part"
}

# Away with what was half made: debootstrap leaves its mounts when it is stopped.
clean() {
  awk -v work="$media/work/" 'index($2, work) == 1 {print $2}' /proc/mounts | sort -r | xargs -r umount
  rm -rf --one-file-system "$media/work"
}

# Runs `make_NAME FILE`.
make() { # file
  local name=${1%.*}
  clean && mkdir "$media/work"
  "make_${name//-/_}" "$media/$1.part"
  mv "$media/$1.part" "$media/$1"
}

step "loaders and other firmware" unpack amd64 syslinux syslinux-common isolinux memtest86+ ipxe grub-rescue-pc grub-pc-bin grub-common \
  u-boot-qemu seabios bochsbios vgabios

firmwares() {
  cp "$pkg"/seabios/usr/share/seabios/{bios.bin,bios-256k.bin,vgabios-stdvga.bin,vgabios-isavga.bin} "$firmware"
  cp "$pkg"/bochsbios/usr/share/bochs/BIOS-bochs-{latest,legacy} "$firmware"
  cp "$pkg"/vgabios/usr/share/vgabios/vgabios*.bin "$firmware"
  cp "$pkg/u-boot-qemu/usr/lib/u-boot/qemu-x86/u-boot.rom" "$firmware/u-boot.rom"
}
step "firmware" firmwares

syslinux=$pkg/syslinux/usr/bin/syslinux
bios_modules=$pkg/syslinux-common/usr/lib/syslinux/modules/bios
small_kernel=$out/i386/vmlinuz small_initrd=$out/i386/small.cpio.gz
memtest=$pkg/memtest86+/boot/memtest86+ia32.bin
append="console=ttyS0 nokaslr panic=-1 cryptomgr.notests"

make_grub_floppy() { cp "$pkg/grub-rescue-pc/usr/lib/grub-rescue/grub-rescue-floppy.img" "$1"; }
make_grub_cd() { cp "$pkg/grub-rescue-pc/usr/lib/grub-rescue/grub-rescue-cdrom.iso" "$1"; }
make_memtest_cd() { cp "$pkg/memtest86+/usr/lib/memtest86+/memtest86+ia32.iso" "$1"; }
make_ipxe() { cp "$pkg/ipxe/usr/lib/ipxe/ipxe.iso" "$1"; }

fat12_floppy() { # file
  truncate -s 1440K "$1"
  mkfs.vfat -F 12 -n BOOT "$1" >/dev/null
}

make_syslinux_floppy() {
  fat12_floppy "$1"
  cat >"$media/work/syslinux.cfg" <<CFG
SAY SYSLINUX has come up from the floppy.
PROMPT 1
TIMEOUT 20
DEFAULT memtest
LABEL memtest
  LINUX memtest.bin
CFG
  mcopy -i "$1" "$media/work/syslinux.cfg" "$memtest" "$bios_modules/ldlinux.c32" ::
  mren -i "$1" "::$(basename "$memtest")" ::memtest.bin
  "$syslinux" --install "$1"
}

make_memtest_floppy() {
  fat12_floppy "$1"
  printf 'DEFAULT memtest\nLABEL memtest\n  LINUX memtest.bin\n' >"$media/work/syslinux.cfg"
  mcopy -i "$1" "$media/work/syslinux.cfg" ::
  mcopy -i "$1" "$memtest" ::memtest.bin
  "$syslinux" --install "$1"
}

iso() { # file folder-with-isolinux
  xorriso -as mkisofs -quiet -J -r -b isolinux/isolinux.bin -c isolinux/boot.cat -no-emul-boot -boot-load-size 4 \
    -boot-info-table -o "$1" "$2" 2>/dev/null
}

make_isolinux() {
  mkdir -p "$media/work/isolinux"
  cp "$pkg/isolinux/usr/lib/ISOLINUX/isolinux.bin" "$bios_modules/ldlinux.c32" "$media/work/isolinux"
  cp "$small_kernel" "$media/work/vmlinuz"
  cp "$small_initrd" "$media/work/initrd.gz"
  printf 'SAY ISOLINUX has come up from the CD.\nDEFAULT linux\nLABEL linux\n  LINUX /vmlinuz\n  INITRD /initrd.gz\n  APPEND %s\n' "$append" \
    >"$media/work/isolinux/isolinux.cfg"
  iso "$1" "$media/work"
}

make_installer() {
  unpack amd64 debian-installer-12-netboot-i386
  local di=$pkg/debian-installer-12-netboot-i386/usr/lib/debian-installer/images/12/i386/text/debian-installer/i386
  mkdir -p "$media/work/isolinux"
  cp "$pkg/isolinux/usr/lib/ISOLINUX/isolinux.bin" "$bios_modules/ldlinux.c32" "$media/work/isolinux"
  cp "$di/linux" "$di/initrd.gz" "$media/work"
  printf 'DEFAULT install\nLABEL install\n  LINUX /linux\n  INITRD /initrd.gz\n  APPEND vga=normal fb=false nomodeset cryptomgr.notests\n' \
    >"$media/work/isolinux/isolinux.cfg"
  iso "$1" "$media/work"
}

make_installer_gtk() {
  unpack amd64 debian-installer-12-netboot-amd64
  local di=$pkg/debian-installer-12-netboot-amd64/usr/lib/debian-installer/images/12/amd64/gtk/debian-installer/amd64
  mkdir -p "$media/work/isolinux"
  cp "$pkg/isolinux/usr/lib/ISOLINUX/isolinux.bin" "$bios_modules/ldlinux.c32" "$media/work/isolinux"
  cp "$di/linux" "$di/initrd.gz" "$media/work"
  printf 'DEFAULT install\nLABEL install\n  LINUX /linux\n  INITRD /initrd.gz\n  APPEND vga=788 cryptomgr.notests mitigations=off\n' \
    >"$media/work/isolinux/isolinux.cfg"
  iso "$1" "$media/work"
}

make_syslinux_disk() {
  # One active FAT16 partition at 1 MiB.
  truncate -s 64M "$1"
  dd if="$pkg/syslinux-common/usr/lib/syslinux/mbr/mbr.bin" of="$1" conv=notrunc status=none 2>/dev/null ||
    dd if="$pkg/syslinux/usr/lib/syslinux/mbr/mbr.bin" of="$1" conv=notrunc status=none
  printf '2048,,0e,*\n' | sfdisk -q "$1"
  mkfs.vfat -F 16 -g 16/63 -h 2048 --offset 2048 "$1" $((63 << 10)) >/dev/null
  printf 'SAY SYSLINUX has come up from the disk.\nDEFAULT linux\nLABEL linux\n  LINUX /vmlinuz\n  INITRD /initrd.gz\n  APPEND %s\n' "$append" \
    >"$media/work/syslinux.cfg"
  mcopy -i "$1@@1M" "$media/work/syslinux.cfg" "$bios_modules/ldlinux.c32" ::
  mcopy -i "$1@@1M" "$small_kernel" ::vmlinuz
  mcopy -i "$1@@1M" "$small_initrd" ::initrd.gz
  "$syslinux" --offset $((1 << 20)) --install "$1"
}

make_grub_linux() {
  mkdir -p "$media/work/boot/grub"
  cp "$small_kernel" "$media/work/boot/vmlinuz"
  cp "$small_initrd" "$media/work/boot/initrd.gz"
  printf 'set timeout=2\nmenuentry "Small guest" {\n  linux /boot/vmlinuz %s\n  initrd /boot/initrd.gz\n}\n' "$append" \
    >"$media/work/boot/grub/grub.cfg"
  grub-mkimage -O i386-pc-eltorito -d "$pkg/grub-pc-bin/usr/lib/grub/i386-pc" -p /boot/grub -o "$media/work/boot/grub/eltorito.img" \
    biosdisk iso9660 normal linux configfile echo test
  xorriso -as mkisofs -quiet -r -b boot/grub/eltorito.img -no-emul-boot -boot-load-size 4 -boot-info-table -o "$1" \
    "$media/work" 2>/dev/null
}

make_grub_kernels() {
  local boot=$media/work/boot
  mkdir -p "$boot/grub"
  cp "$small_kernel" "$boot/vmlinuz"
  cp "$out/i386/vmlinuz3" "$boot/vmlinuz-rt"
  cp "$small_initrd" "$boot/initrd.gz"
  cp "$memtest" "$boot/memtest.bin"
  nasm -f bin -Werror -o "$boot/multiboot2.bin" tests/boots/multiboot2.asm
  cat >"$boot/grub/grub.cfg" <<CFG
set timeout=-1
menuentry "Real-time kernel" --hotkey=r {
  linux /boot/vmlinuz-rt $append mitigations=off
  initrd /boot/initrd.gz
}
menuentry "Linux by its 16-bit entry" --hotkey=l {
  linux16 /boot/vmlinuz $append mitigations=off
  initrd16 /boot/initrd.gz
}
menuentry "memtest86+ by its 16-bit entry" --hotkey=m {
  linux16 /boot/memtest.bin
}
menuentry "Multiboot2" --hotkey=2 {
  multiboot2 /boot/multiboot2.bin one two
}
CFG
  grub-mkimage -O i386-pc-eltorito -d "$pkg/grub-pc-bin/usr/lib/grub/i386-pc" -p /boot/grub -o "$boot/grub/eltorito.img" \
    biosdisk iso9660 normal linux linux16 multiboot2 configfile echo test
  xorriso -as mkisofs -quiet -r -b boot/grub/eltorito.img -no-emul-boot -boot-load-size 4 -boot-info-table -o "$1" \
    "$media/work" 2>/dev/null
}

make_root() {
  [ "$(id -u)" = 0 ] || { echo "tests/boots/media.sh: the root file system needs root"; return 1; }
  local root=$media/work/root mirror
  mirror=$(sed -n 's/^URIs: *//p' $sources | head -n1)
  # Its kernel is here already, under the name that the mirror's index gives it.
  mkdir -p "$out/debs/root"
  cp -u "$out"/i386/debs/linux-image-*[0-9]-686_*.deb "$out/debs/root" || true
  net 3600 debootstrap --arch=i386 --variant=minbase --cache-dir="$out/debs/root" --include=sysvinit-core,linux-image-686,e2fsprogs,kmod,udev,ifupdown \
    bookworm "$root" "$mirror" >"$media/root.log" 2>&1
  echo ferrite >"$root/etc/hostname"
  echo '/dev/sda1 / ext4 errors=remount-ro 0 1' >"$root/etc/fstab"
  cat >"$root/etc/inittab" <<TAB
id:2:initdefault:
si::sysinit:/etc/init.d/rcS
l0:0:wait:/etc/init.d/rc 0
l2:2:wait:/etc/init.d/rc 2
l6:6:wait:/etc/init.d/rc 6
1:2345:respawn:/sbin/getty --noclear 38400 tty1
T0:2345:respawn:/sbin/getty -L ttyS0 115200 vt100
TAB
  chroot "$root" passwd -d root >/dev/null
  rm -rf "$root"/var/cache/apt/archives/*.deb "$root"/usr/share/{doc,man,locale}
  mkdir -p "$root/boot/grub"
  cp -r "$pkg/grub-pc-bin/usr/lib/grub/i386-pc" "$root/boot/grub"
  local kernel
  kernel=$(basename "$(ls -d "$root"/boot/vmlinuz-* | tail -n1)")
  cat >"$root/boot/grub/grub.cfg" <<CFG
set timeout=1
menuentry "Debian" {
  linux /boot/$kernel root=/dev/sda1 ro net.ifnames=0 cryptomgr.notests
  initrd /boot/initrd.img-${kernel#vmlinuz-}
}
CFG
  mke2fs -q -t ext4 -L root -d "$root" "$media/work/part" 700M >/dev/null
  truncate -s 701M "$1"
  printf '2048,,83,*\n' | sfdisk -q "$1"
  dd if="$media/work/part" of="$1" bs=1M seek=1 conv=notrunc,sparse status=none
  # GRUB as its installer leaves it: boot.img in the MBR finds core.img in the sectors behind it.
  grub-mkimage -O i386-pc -d "$pkg/grub-pc-bin/usr/lib/grub/i386-pc" -p '(hd0,msdos1)/boot/grub' -o "$media/work/core.img" \
    biosdisk part_msdos ext2
  dd if="$pkg/grub-pc-bin/usr/lib/grub/i386-pc/boot.img" of="$1" bs=440 count=1 conv=notrunc status=none
  dd if="$media/work/core.img" of="$1" bs=512 seek=1 conv=notrunc status=none
}

image loaders grub-floppy.img
image loaders grub-cd.iso
image loaders memtest-cd.iso
image loaders ipxe.iso
image loaders syslinux-floppy.img mcopy mkfs.vfat
image loaders memtest-floppy.img mcopy mkfs.vfat
image loaders isolinux.iso xorriso
image loaders syslinux-disk.img mcopy mformat sfdisk
image loaders grub-linux.iso grub-mkimage xorriso
image systems grub-kernels.iso grub-mkimage xorriso nasm
image systems root.img debootstrap mke2fs sfdisk grub-mkimage
image systems installer.iso xorriso
image systems installer-gtk.iso xorriso
ls -l "$media" | awk 'NF > 8 {print $5, $9}'
