# Downloads Debian packages by a private apt configuration, without changing the host. Sourced by fetch.sh and media.sh, which set
# `out` (the cache folder).

sources=/etc/apt/sources.list.d/debian.sources
[ -f $sources ] || { echo "tests/boots: no $sources: not a Debian host" >&2; exit 1; }

# Sets `apt_opts` for an architecture, and reads the package lists once.
private_apt() { # arch
  local d=$out/apt-$1
  apt_opts=(-o Dir::Etc::sourcelist=/dev/null -o Dir::Etc::sourceparts="$d/etc" -o Dir::State::lists="$d/lists"
    -o Dir::State::status="$d/status" -o Dir::Cache="$d/cache" -o APT::Architecture="$1" -o APT::Architectures="$1"
    -o Debug::NoLocking=true -o APT::Sandbox::User=root -o Acquire::Languages=none)
  [ -f "$d/ready" ] && return 0
  mkdir -p "$d"/{etc,lists/partial,cache/archives/partial}
  : >"$d/status"
  # The first stanza holds the stable release itself, which is enough and always consistent.
  sed '/^$/q' $sources >"$d/etc/debian.sources"
  apt-get "${apt_opts[@]}" update >/dev/null
  : >"$d/ready"
}

# Unpacks a package into $out/pkg/ARCH/NAME, once.
unpack() { # arch name
  local to=$out/pkg/$1/$2
  [ -f "$to.done" ] && return 0
  private_apt "$1"
  rm -rf "$to" && mkdir -p "$to" "$out/debs/$1"
  (cd "$out/debs/$1" && apt-get "${apt_opts[@]}" download "$2" >/dev/null 2>&1)
  dpkg-deb -x "$out/debs/$1/$2"_*.deb "$to"
  : >"$to.done"
}
