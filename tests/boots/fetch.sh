#!/usr/bin/env bash
# Fetches the real guests of tests/boots from Debian packages into .cache/guests (ignored by git) and makes their images.
# Needs apt-get, dpkg-deb, cpio and gzip, and network access to the Debian mirror that the host is set up with. The host itself
# is not changed: a private apt configuration downloads, nothing is installed.
# What cannot be fetched is said and left out: its tests say that they did not run. What most tests need comes first.
# Where ../shared/guests is present, the benchmark guest is made, too.
#   ARCH/vmlinuz, vmlinuz2   kernels: i386 686 and 686-pae; amd64 cloud and generic
#   i386/vmlinuz3            kernel: i386 rt-686-pae
#   i386/sweep.cpio.gz       busybox, the drivers of IDE and floppy drives of i386/vmlinuz, an init that reads every drive
#   ARCH/small.cpio.gz       busybox and an init that prints, computes checksums and powers off
#   ARCH/bench.cpio.gz       the benchmark guest
# The bootable media are made by media.sh, which this script runs.
set -euo pipefail
cd "$(dirname "$0")/../.."
out=$PWD/.cache/guests
for tool in apt-get dpkg-deb cpio gzip; do
  command -v $tool >/dev/null || { echo "tests/boots/fetch.sh: $tool is missing" >&2; exit 1; }
done
. tests/boots/apt.sh

kernel() { # arch file package
  local dir=$out/$1 image
  [ -f "$dir/$2" ] && return 0
  private_apt "$1"
  image=$(apt-cache "${apt_opts[@]}" depends --no-recommends --no-suggests "$3" | awk '$1=="Depends:"{print $2; exit}')
  download "$1" "$dir/debs" "$image"
  rm -rf "$dir/k" && mkdir "$dir/k"
  dpkg-deb --fsys-tarfile "$dir/debs/${image}"_*.deb | tar -x -C "$dir/k" ./boot
  cp "$dir"/k/boot/vmlinuz-* "$dir/$2.part"
  mv "$dir/$2.part" "$dir/$2"
}

# An initial RAM disk of a folder.
pack() { # folder
  (cd "$1" && find . | LC_ALL=C sort | cpio -o -H newc --reproducible 2>/dev/null | gzip -9n >"$1.cpio.gz.part")
  mv "$1.cpio.gz.part" "$1.cpio.gz"
}

small() { # arch
  local dir=$out/$1
  [ -f "$dir/small.cpio.gz" ] && cmp -s tests/boots/init "$dir/small/init" && return 0
  download "$1" "$dir/debs" busybox-static
  rm -rf "$dir/small" && mkdir -p "$dir/small"/{bin,dev,proc,sys,tmp}
  dpkg-deb --fsys-tarfile "$dir"/debs/busybox-static_*.deb | tar -x -C "$dir/small/bin" --wildcards --transform 's#.*/##' '*/bin/busybox'
  cp tests/boots/init "$dir/small/init"
  chmod +x "$dir/small/init"
  mknod "$dir/small/dev/console" c 5 1
  pack "$dir/small"
}

# The small guest with the modules that find drives, for i386/vmlinuz.
sweep() {
  local dir=$out/i386 deb
  [ -f "$dir/sweep.cpio.gz" ] && cmp -s tests/boots/init-sweep "$dir/sweep/init" && return 0
  deb=$(ls "$dir"/debs/linux-image-*-686_*.deb | head -n1)
  rm -rf "$dir/sweep" && cp -r "$dir/small" "$dir/sweep" && mkdir "$dir/sweep/modules"
  dpkg-deb --fsys-tarfile "$deb" | tar -x -C "$dir/sweep/modules" --wildcards --transform 's#.*/##' \
    '*/crct10dif_*.ko' '*/crc-t10dif.ko' '*/crc64*.ko' '*/t10-pi.ko' '*/scsi_common.ko' '*/scsi_mod.ko' '*/libata.ko' \
    '*/ata_piix.ko' '*/cdrom.ko' '*/sd_mod.ko' '*/sr_mod.ko' '*/floppy.ko'
  cp tests/boots/init-sweep "$dir/sweep/init"
  chmod +x "$dir/sweep/init"
  pack "$dir/sweep"
}

shared=$PWD/../shared/guests
bench() { # arch
  local debs=$out/bench/debs-$1
  [ -f "$shared/make-images.sh" ] || return 0
  [ -f "$out/bench/$1/bench.cpio.gz" ] && return 0
  # Its kernels are here already.
  mkdir -p "$debs"
  find "$out/$1/debs" -name 'linux-image-*' ! -name '*-rt-*' -exec cp -u {} "$debs" \;
  OUT=$out/bench net 3600 bash "$shared/fetch-debs.sh" "$1" >/dev/null
  OUT=$out/bench bash "$shared/make-images.sh" "$1" >/dev/null
}

step "kernel amd64 cloud" kernel amd64 vmlinuz linux-image-cloud-amd64
step "small guest amd64" small amd64
step "kernel i386 686" kernel i386 vmlinuz linux-image-686
step "small guest i386" small i386
step "drive sweep" sweep
step "media: loaders" bash tests/boots/media.sh loaders
step "kernel i386 686-pae" kernel i386 vmlinuz2 linux-image-686-pae
step "kernel amd64 generic" kernel amd64 vmlinuz2 linux-image-amd64
step "benchmark guest amd64" bench amd64
step "benchmark guest i386" bench i386
step "kernel i386 rt" kernel i386 vmlinuz3 linux-image-rt-686-pae
step "media: systems" bash tests/boots/media.sh systems
ls -l "$out"/*/vmlinuz* "$out"/*/*.cpio.gz "$out"/bench/*/*.cpio.gz 2>/dev/null | awk '{print $5, $9}'
[ -f "$out/amd64/vmlinuz" ] || [ -f "$out/i386/vmlinuz" ] || { echo "tests/boots/fetch.sh: no kernel could be fetched" >&2; exit 1; }
