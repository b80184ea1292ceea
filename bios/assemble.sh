#!/usr/bin/env bash
# Assembles the firmware images from their NASM sources.
#   assemble.sh            writes bios/images/
#   assemble.sh --check    compares the images with their sources instead, and fails on a difference
set -eu
cd "$(dirname "$0")"
check=${1:-}
status=0
tmp=$(mktemp)
trap 'rm -f "$tmp"' EXIT
for source in src/bios.asm src/vgabios.asm tests/screen.asm; do
  [ -f "$source" ] || continue
  name=$(basename "$source" .asm)
  nasm -f bin -Werror -I src/ -o "$tmp" "$source"
  if [ "$name" = vgabios ]; then # an option ROM sums to zero
    sum=$(od -An -v -tu1 "$tmp" | awk '{ for (i = 1; i <= NF; i++) s += $i } END { print (256 - s % 256) % 256 }')
    nasm -f bin -Werror -DCHECKSUM="$sum" -I src/ -o "$tmp" "$source"
  fi
  image=images/$name.bin
  if [ "$check" = --check ]; then
    cmp -s "$tmp" "$image" || { echo "bios/$image does not equal its source: run bios/assemble.sh" >&2; status=1; }
  else
    cmp -s "$tmp" "$image" 2>/dev/null || { cp "$tmp" "$image"; chmod 644 "$image"; echo "bios/$image"; }
  fi
done
exit $status
