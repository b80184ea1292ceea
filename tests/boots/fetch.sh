#!/usr/bin/env bash
# Fetches the real guests of tests/boots from Debian packages into .cache/guests (ignored by git) and makes their images.
# Needs apt-get, dpkg-deb, cpio and gzip, and network access to the Debian mirror that the host is set up with. The host itself
# is not changed: a private apt configuration downloads, nothing is installed.
# Where ../shared/guests is present, the benchmark guest is made, too; else its tests say that they were skipped.
#   ARCH/vmlinuz, vmlinuz2   kernels: i386 686 and 686-pae; amd64 cloud and generic
#   i386/vmlinuz3            kernel: i386 rt-686-pae
#   i386/sweep.cpio.gz       busybox, the drivers of IDE and floppy drives of i386/vmlinuz, an init that reads every drive
#   ARCH/small.cpio.gz       busybox and an init that prints, computes checksums and powers off
#   ARCH/bench.cpio.gz       the benchmark guest
# The bootable media are made by media.sh, which this script runs at its end.
set -euo pipefail
cd "$(dirname "$0")/../.."
out=$PWD/.cache/guests
for tool in apt-get dpkg-deb cpio gzip; do
  command -v $tool >/dev/null || { echo "tests/boots/fetch.sh: $tool is missing" >&2; exit 1; }
done
. tests/boots/apt.sh

small() { # arch kernel-packages...
  local arch=$1 dir=$out/$1
  shift
  local last=$dir/vmlinuz$#
  [ -f "$dir/small.cpio.gz" ] && [ -f "$last" ] && cmp -s tests/boots/init "$dir/small/init" && return 0
  mkdir -p "$dir/debs" "$dir/k" "$dir/small"/{bin,dev,proc,sys,tmp}
  private_apt "$arch"
  local pkg image n=1
  for pkg in "$@"; do
    image=$(apt-cache "${apt_opts[@]}" depends --no-recommends --no-suggests "$pkg" | awk '$1=="Depends:"{print $2; exit}')
    rm -rf "$dir/k" && mkdir "$dir/k"
    (cd "$dir/debs" && apt-get "${apt_opts[@]}" download "$image" >/dev/null 2>&1)
    dpkg-deb --fsys-tarfile "$dir/debs/${image}"_*.deb | tar -x -C "$dir/k" ./boot
    cp "$dir"/k/boot/vmlinuz-* "$dir/vmlinuz${n#1}"
    n=$((n + 1))
  done
  (cd "$dir/debs" && apt-get "${apt_opts[@]}" download busybox-static >/dev/null 2>&1)
  dpkg-deb --fsys-tarfile "$dir"/debs/busybox-static_*.deb | tar -x -C "$dir/small" --strip-components=2 ./bin/busybox 2>/dev/null ||
    dpkg-deb --fsys-tarfile "$dir"/debs/busybox-static_*.deb | tar -x -C "$dir/small" ./bin/busybox
  [ -f "$dir/small/bin/busybox" ] || mv "$dir/small/busybox" "$dir/small/bin/busybox"
  cp tests/boots/init "$dir/small/init"
  chmod +x "$dir/small/init"
  [ -e "$dir/small/dev/console" ] || mknod "$dir/small/dev/console" c 5 1
  (cd "$dir/small" && find . | LC_ALL=C sort | cpio -o -H newc --reproducible 2>/dev/null | gzip -9n >"$dir/small.cpio.gz")
}

# The small guest with the modules that find drives, for i386/vmlinuz.
sweep() {
  local dir=$out/i386 name deb
  [ -f "$dir/sweep.cpio.gz" ] && cmp -s tests/boots/init-sweep "$dir/sweep/init" && return 0
  deb=$(ls "$dir"/debs/linux-image-*-686_*.deb | head -n1)
  rm -rf "$dir/sweep" && cp -r "$dir/small" "$dir/sweep" && mkdir "$dir/sweep/modules"
  dpkg-deb --fsys-tarfile "$deb" | tar -x -C "$dir/sweep/modules" --wildcards --transform 's#.*/##' \
    '*/crct10dif_*.ko' '*/crc-t10dif.ko' '*/crc64*.ko' '*/t10-pi.ko' '*/scsi_common.ko' '*/scsi_mod.ko' '*/libata.ko' \
    '*/ata_piix.ko' '*/cdrom.ko' '*/sd_mod.ko' '*/sr_mod.ko' '*/floppy.ko'
  cp tests/boots/init-sweep "$dir/sweep/init"
  chmod +x "$dir/sweep/init"
  (cd "$dir/sweep" && find . | LC_ALL=C sort | cpio -o -H newc --reproducible 2>/dev/null | gzip -9n >"$dir/sweep.cpio.gz")
}

small i386 linux-image-686 linux-image-686-pae linux-image-rt-686-pae
sweep
small amd64 linux-image-cloud-amd64 linux-image-amd64

shared=$PWD/../shared/guests
if [ -f "$shared/make-images.sh" ]; then
  for arch in i386 amd64; do
    [ -f "$out/bench/$arch/bench.cpio.gz" ] && continue
    OUT=$out/bench bash "$shared/fetch-debs.sh" $arch >/dev/null
    OUT=$out/bench bash "$shared/make-images.sh" $arch >/dev/null
  done
fi
bash tests/boots/media.sh
ls -l "$out"/*/vmlinuz* "$out"/*/*.cpio.gz "$out"/bench/*/*.cpio.gz 2>/dev/null | awk '{print $5, $9}'
