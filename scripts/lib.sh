# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# Sourced by the scripts beside it. Sets `root` (the checkout) and `cache`
# (where downloads and kernel builds are kept, outside the tree).

# shellcheck disable=SC2034
root="$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)"
cache="${KCHAN_CACHE:-${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/kchan}"
export KCHAN_CACHE="$cache"

# Checkouts in other folders share what the compiler cache holds.
export CCACHE_BASEDIR="$root" CCACHE_NOHASHDIR=1

# The kernels that kchan is built for and tested on.
# shellcheck disable=SC2034
kernels=(6.1 6.12)

say() {
  printf '%s: %s\n' "${0##*/}" "$*" >&2
}

# write_result PAGE TEXT: what a page says below its line `<!-- result -->`.
write_result() {
  local page="$1" text="$2"
  {
    sed '/^<!-- result -->$/q' "$page"
    printf '\n%s\n' "$text"
  } >"$page.new"
  mv "$page.new" "$page"
}

die() {
  say "$*"
  exit 1
}

# as_root COMMAND...: runs it as root, through sudo where we are not.
as_root() {
  if [[ $(id -u) -eq 0 ]]; then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo "$@"
  else
    die "'$*' needs root and there is no sudo: run it as root, then try again"
  fi
}

# is_installed PACKAGE: whether it, or another that provides it, is there.
is_installed() {
  [[ $(dpkg-query -W -f='${db:Status-Status}\n' "$1" 2>/dev/null | head -n 1) == installed ]]
}

# apt_get ARGUMENT...: as root, with nobody to ask, quiet unless it fails.
apt_get() {
  local log
  log="$(mktemp)"
  as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y "$@" >"$log" 2>&1 || {
    cat "$log" >&2
    rm "$log"
    die "'apt-get $*' failed"
  }
  rm "$log"
}

# need PACKAGE...: what only one script wants; the rest is in packages.txt.
need() {
  local package missing=()
  for package; do
    is_installed "$package" || missing+=("$package")
  done
  ((${#missing[@]})) || return 0
  say "installing ${missing[*]}"
  apt_get update
  apt_get --no-install-recommends install "${missing[@]}"
}

# list_tree: the files of the tree that git knows or would add; without git, as
# in an archive, all but what was built.
list_tree() {
  if [[ -e $root/.git ]]; then
    git -C "$root" ls-files --cached --others --exclude-standard |
      while IFS= read -r file; do [[ ! -f $root/$file ]] || printf '%s\n' "$file"; done
  else
    (cd "$root" && find . -path ./build -prune -o -type f -printf '%P\n')
  fi
}

# begin_fetch FOLDER: goes to a new folder beside it, gone when the script ends, to
# make there what publish_fetched moves to FOLDER.
begin_fetch() {
  mkdir -p "${1%/*}"
  fetch_work="$(mktemp -d "${1%/*}/.fetch.XXXXXX")"
  trap 'rm -rf "$fetch_work"' EXIT
  cd "$fetch_work" || exit
}

# publish_fetched NEW FOLDER MARKER: in one step, so that a run that is cut short
# leaves nothing half done; MARKER is a file that FOLDER has when it is whole. Who
# was faster has made the same.
publish_fetched() {
  mv -T "$1" "$2" 2>/dev/null || [[ -f $2/$3 ]] || die "cannot write $2"
}

# download_package PACKAGE VERSION: Debian's file into the current folder; what apt
# says is in apt.log. apt's own unprivileged user cannot write there (nor, often,
# read it), so apt must not change to that user.
download_package() {
  apt-get -q -o APT::Sandbox::User=root download "$1=$2" >apt.log 2>&1
}

# update_packages: the archive keeps only the newest; apt's lists may be too old.
update_packages() {
  as_root apt-get -q update >apt.log 2>&1 || true
}

# kernel_release 6.12: the newest release of that kernel whose headers are
# installed, such as 6.12.9+deb12-cloud-amd64. 6.12-debug: of the kernel that
# scripts/debug-kernel has built.
kernel_release() {
  local version="$1" directory newest=
  if [[ $version == 6.12-debug ]]; then
    cat "$cache/debug-kernel/build/include/config/kernel.release" ||
      die "there is no debug kernel yet: run scripts/debug-kernel --build"
    return
  fi
  # The dot after the version keeps 6.1 from matching 6.12.
  for directory in /usr/src/linux-headers-"$version".*-cloud-amd64; do
    [[ -d $directory ]] || continue
    directory="${directory#/usr/src/linux-headers-}"
    newest="$(printf '%s\n' "$newest" "$directory" | sort -V | tail -n 1)"
  done
  [[ -n $newest ]] ||
    die "no headers of a $version cloud kernel in /usr/src: run scripts/install-deps"
  printf '%s\n' "$newest"
}

# kernel_build_folder RELEASE: where Kbuild finds that kernel.
kernel_build_folder() {
  case "$1" in
    *-kchan-debug) printf '%s\n' "$cache/debug-kernel/build" ;;
    *) printf '/lib/modules/%s/build\n' "$1" ;;
  esac
}

# build_jobs: how many compilers may run at once (KCHAN_JOBS overrides).
build_jobs() {
  printf '%s\n' "${KCHAN_JOBS:-$(nproc)}"
}

# list_kmod_sources FOLDER: what Kbuild reads there, as paths relative to it.
list_kmod_sources() {
  (cd "$1" && find . -type f \( -name '*.[chS]' -o -name 'Kbuild*' -o -name 'Makefile*' -o -name 'Kconfig*' \) \
    ! -name '*.mod.c' -print | sort)
}

# sync_kmod FOLDER: makes it a copy of kmod/'s sources. What did not change
# keeps its time stamp, or make would build it again.
sync_kmod() {
  local to="$1" source
  mkdir -p "$to"
  # What is gone from the tree must not be compiled from the copy for ever.
  comm -13 <(list_kmod_sources "$root/kmod") <(list_kmod_sources "$to") |
    while IFS= read -r source; do rm -f "$to/$source"; done
  list_kmod_sources "$root/kmod" | while IFS= read -r source; do
    cmp -s "$root/kmod/$source" "$to/$source" && continue
    mkdir -p "$to/${source%/*}"
    cp "$root/kmod/$source" "$to/$source"
  done
}

# debian_root: a tar of a fresh Debian 12 with nothing but what is essential, not
# older than a week. KCHAN_DEBIAN_MIRROR names another archive than Debian's.
debian_root() {
  local tar="$cache/debian-root/bookworm.tar" mirror="${KCHAN_DEBIAN_MIRROR:-http://deb.debian.org}" work
  if [[ -z $(find "$tar" -mtime -7 2>/dev/null) ]]; then
    need debootstrap
    say "making a fresh Debian in $tar"
    mkdir -p "${tar%/*}"
    work="$(mktemp -d "${tar%/*}/.new.XXXXXX")"
    as_root nice debootstrap --variant=minbase bookworm "$work/root" "$mirror/debian" >"$work/log" 2>&1 || {
      tail -n 20 "$work/log" >&2
      die "debootstrap failed; all of it is in $work/log"
    }
    printf 'deb %s bookworm main\ndeb %s bookworm-updates main\ndeb %s bookworm-security main\n' \
      "$mirror/debian" "$mirror/debian" "$mirror/debian-security" |
      as_root tee "$work/root/etc/apt/sources.list" >"$work/log"
    as_root rm -rf "$work"/root/var/cache/apt/archives/*.deb "$work"/root/var/lib/apt/lists/*_*
    as_root tar -C "$work/root" --numeric-owner -cf "$work/new.tar" .
    mv "$work/new.tar" "$tar"
    as_root rm -rf --one-file-system "$work"
  fi
  printf '%s\n' "$tar"
}

# one_guest COMMAND...: runs it while no other does that was started so: a guest
# takes all that a small machine has. KCHAN_GUEST_LOCK names another lock.
one_guest() {
  flock "${KCHAN_GUEST_LOCK:-$cache/guest.lock}" nice -n 5 "$@"
}

# linux_source: the folder of Debian's 6.12 source in the cache, unpacked on
# first use. Without what neither UML nor our checks read: 1 GB instead of 2.
linux_source() {
  local archive=/usr/src/linux-source-6.12.tar.xz folder="$cache/linux/6.12" version
  [[ -f $archive ]] || die "no $archive: run scripts/install-deps"
  version="$(dpkg-query -W -f='${Version}' linux-source-6.12)"
  if [[ ! -f $folder/.version || $(<"$folder/.version") != "$version" ]]; then
    say "unpacking linux-source-6.12 $version"
    rm -rf "$folder"
    mkdir -p "$folder"
    nice tar -C "$folder" -xf "$archive" --strip-components=1 \
      --exclude='linux-source-6.12/Documentation/*/*' \
      --exclude='linux-source-6.12/drivers/gpu/drm/*/*/*.h' \
      --exclude='linux-source-6.12/arch/[a-tv-w]*/*.[chS]' \
      --exclude='linux-source-6.12/arch/[a-tv-w]*/*.dts*'
    printf '%s\n' "$version" >"$folder/.version"
  fi
  printf '%s\n' "$folder"
}
