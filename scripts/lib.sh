# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# Sourced by the scripts beside it. Sets `root` (the checkout) and `cache`
# (where downloads and kernel builds are kept, outside the tree).

# shellcheck disable=SC2034
root="$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)"
cache="${KCHAN_CACHE:-${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/kchan}"
export KCHAN_CACHE="$cache"

# The kernels that kchan is built for and tested on.
# shellcheck disable=SC2034
kernels=(6.1 6.12)

say() {
  printf '%s: %s\n' "${0##*/}" "$*" >&2
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

# kernel_release 6.12: the newest release of that kernel whose headers are
# installed, such as 6.12.9+deb12-cloud-amd64.
kernel_release() {
  local version="$1" directory newest=
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

# build_jobs: how many compilers may run at once (KCHAN_JOBS overrides).
build_jobs() {
  printf '%s\n' "${KCHAN_JOBS:-$(nproc)}"
}
