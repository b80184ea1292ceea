#!/usr/bin/env bash
# Assembles the firmware's tests over test.inc and starts each from a diskette on every processor that its header names:
#   run.sh COMMAND [NAME...]      COMMAND is the ferrite binary
# Needs NASM. Says "ok" or "FAILED" for each; the status is 1 if any failed.
set -u
cd "$(dirname "$0")"
ferrite=$1
shift
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
status=0
names=("$@")
if [ ${#names[@]} = 0 ]; then
  for f in $(grep -l '^%include "test.inc"' ./*.asm | sort); do names+=("$(basename "$f" .asm)"); done
fi
for name in "${names[@]}"; do
  nasm -f bin -Werror -o "$tmp/$name.img" "$name.asm" || exit 1
  truncate -s 1474560 "$tmp/$name.img"
  floppy=$tmp/$name.img
  options=$(sed -n 's/^; options: //p' "$name.asm")
  case $name in
    disk)
      truncate -s 4M "$tmp/disk"
      options="$options --hda $tmp/disk"
      ;;
    cdrom | eltorito)
      command -v xorriso >/dev/null || { echo "not run: $name needs xorriso to make a disc" && continue; }
      mkdir -p "$tmp/cd" && cp ./*.asm "$tmp/cd"
      boot=()
      if [ "$name" = eltorito ]; then # starts from the disc itself, with another diskette in drive A
        cp "$floppy" "$tmp/cd/boot.img"
        boot=(-b boot.img)
        floppy=$tmp/other
        truncate -s 1474560 "$floppy"
        options="$options --boot d"
      fi
      xorriso -as mkisofs -quiet "${boot[@]}" -o "$tmp/cd.iso" "$tmp/cd" 2>/dev/null
      options="$options --cdrom $tmp/cd.iso"
      ;;
  esac
  for cpu in $(sed -n 's/^; cpu: //p' "$name.asm"); do
    board=pc
    case $cpu in 8086 | 80286) board=isapc ;; esac
    # shellcheck disable=SC2086  # the options are words
    if "$ferrite" run --bios ../images/bios.bin --vgabios ../images/vgabios.bin --machine $board --cpu "$cpu" -m 8M \
      --fda "$floppy" --disposable --display none --serial file:"$tmp/out" $options \
      --until-serial "ALL PASS" --limit-time 60 </dev/null >"$tmp/log" 2>&1; then
      echo "ok     $name $cpu"
    else
      echo "FAILED $name $cpu"
      grep -ah FAIL "$tmp/out"; tail -n 1 "$tmp/log"
      status=1
    fi
  done
done
exit $status
