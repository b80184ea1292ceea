# Downloads Debian packages by a private apt configuration, without changing the host, and steps that say what they took. Sourced by
# fetch.sh and media.sh, which set `out` (the cache folder).
#   FERRITE_FETCH_DEADLINE=N   seconds since 1970 after which nothing more is fetched; what is missing then is said

sources=/etc/apt/sources.list.d/debian.sources
[ -f $sources ] || { echo "tests/boots: no $sources: not a Debian host" >&2; exit 1; }
mkdir -p "$out"

# A mirror that does not answer is given up soon, by whatever program asks it: the shared guests' script and debootstrap too.
export APT_CONFIG=$out/apt.conf WGETRC=$out/wgetrc
cat >"$APT_CONFIG" <<CONF
Acquire::http::Timeout "15";
Acquire::https::Timeout "15";
Acquire::Retries "1";
Acquire::Languages "none";
Acquire::IndexTargets::deb::DEP-11::DefaultEnabled "false";
Acquire::IndexTargets::deb::Contents-deb::DefaultEnabled "false";
CONF
printf 'timeout = 15\ntries = 2\n' >"$WGETRC"

# Runs a command that fetches, for at most so many seconds, and not beyond the deadline.
net() { # seconds command...
  local most=$1 left
  shift
  if [ -n "${FERRITE_FETCH_DEADLINE:-}" ]; then
    left=$((FERRITE_FETCH_DEADLINE - $(date +%s)))
    [ $left -gt 0 ] || { echo "tests/boots: no time left to fetch"; return 1; }
    [ $left -gt "$most" ] || most=$left
  fi
  timeout -k 5 "$most" "$@"
}

began=${FERRITE_FETCH_BEGAN:-$(date +%s)}
export FERRITE_FETCH_BEGAN=$began

# Runs a step, stopping it at its first failure, and says how long it took. The rest goes on without it.
# Not for conditions: the shell ignores `set -e` there.
step() { # name command...
  local name=$1 from now status
  shift
  from=$(date +%s)
  set +e
  (set -e; "$@")
  status=$?
  set -e
  now=$(date +%s)
  if [ $status = 0 ]; then status=; else status=", FAILED"; fi
  # What was there already is not worth a line.
  [ $((now - from)) -lt 2 ] && [ -z "$status" ] && return 0
  printf 'tests/boots [%dm%02ds]: %s: %d s%s\n' $(((now - began) / 60)) $(((now - began) % 60)) "$name" $((now - from)) "$status"
}

# Sets `apt_opts` for an architecture, and reads the package lists once.
private_apt() { # arch
  local d=$out/apt-$1
  apt_opts=(-o Dir::Etc::sourcelist=/dev/null -o Dir::Etc::sourceparts="$d/etc" -o Dir::State::lists="$d/lists"
    -o Dir::State::status="$d/status" -o Dir::Cache="$d/cache" -o APT::Architecture="$1" -o APT::Architectures="$1"
    -o Debug::NoLocking=true -o APT::Sandbox::User=root)
  [ -f "$d/ready" ] && return 0
  mkdir -p "$d"/{etc,lists/partial,cache/archives/partial}
  : >"$d/status"
  # The first stanza holds the stable release itself, which is enough and always consistent.
  sed '/^$/q' $sources >"$d/etc/debian.sources"
  net 180 apt-get "${apt_opts[@]}" -o APT::Update::Error-Mode=any update >/dev/null || return 1
  : >"$d/ready"
}

# Downloads packages into a folder, unless they are there.
download() { # arch folder package...
  local arch=$1 dir=$2 p wanted=()
  shift 2
  mkdir -p "$dir"
  for p in "$@"; do
    compgen -G "$dir/${p}_*.deb" >/dev/null || wanted+=("$p")
  done
  [ ${#wanted[@]} = 0 ] && return 0
  private_apt "$arch" || return 1
  net 3600 env -C "$dir" apt-get -qq "${apt_opts[@]}" download "${wanted[@]}"
}

# Unpacks packages, each into $out/pkg/ARCH/NAME, once.
unpack() { # arch name...
  local arch=$1 name to status=0
  shift
  local wanted=()
  for name in "$@"; do [ -f "$out/pkg/$arch/$name.done" ] || wanted+=("$name"); done
  [ ${#wanted[@]} = 0 ] && return 0
  # What could be had is unpacked even if something could not.
  download "$arch" "$out/debs/$arch" "${wanted[@]}" || status=1
  for name in "${wanted[@]}"; do
    to=$out/pkg/$arch/$name
    rm -rf "$to" && mkdir -p "$to"
    if compgen -G "$out/debs/$arch/${name}_*.deb" >/dev/null && dpkg-deb -x "$out/debs/$arch/$name"_*.deb "$to"; then : >"$to.done"
    else echo "tests/boots: the package $name could not be fetched"; status=1; fi
  done
  return $status
}
