#!/usr/bin/env bash
# Assembles every NASM source of the project beside its image.
#   assemble.sh            writes the images
#   assemble.sh --check    compares the images with their sources instead, and fails on a difference
set -eu
cd "$(dirname "$0")/.."
check=${1:-}
status=0
tmp=$(mktemp)
trap 'rm -f "$tmp"' EXIT
while IFS= read -r -d '' src; do
  nasm -f bin -Werror -I "$(dirname "$src")/" -I test-roms/ -o "$tmp" "$src"
  image=${src%.asm}.bin
  if [ "$check" = --check ]; then
    cmp -s "$tmp" "$image" || { echo "$image does not equal its source: run test-roms/assemble.sh" >&2; status=1; }
  else
    cmp -s "$tmp" "$image" 2>/dev/null || { cp "$tmp" "$image"; echo "$image"; }
  fi
done < <(find test-roms core/benches -name '*.asm' -print0 | sort -z)
exit $status
