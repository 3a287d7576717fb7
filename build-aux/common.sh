# SPDX-License-Identifier: LGPL-2.1-or-later
# Shared by ./check and ./demo (POSIX sh, sourced from the top folder of the project):
# saying things, installing the packages of build-aux/packages.txt, configuring build folders.

ds_say () {
  printf '%s\n' "$*"
}

ds_complain () {
  printf '%s\n' "$*" >&2
}

# ds_list_packages SECTION...: the names in these sections of the list, one a line.
ds_list_packages () {
  for ds_section in "$@"; do
    awk -v want="[$ds_section]" '
      { sub (/#.*/, "") }
      /^\[/ { wanted = ($1 == want); next }
      wanted && NF > 0 { print $1 }' build-aux/packages.txt
  done
}

# ds_missing_packages NAME...: those of them that are not installed.
ds_missing_packages () {
  dpkg-query -W -f '${db:Status-Status} ${Package}\n' "$@" 2>/dev/null |
    awk 'BEGIN { for (i = 1; i < ARGC; i++) { name[i] = ARGV[i]; ARGV[i] = "" } n = ARGC }
         $1 == "installed" { have[$2] = 1 }
         END { for (i = 1; i < n; i++) if (!(name[i] in have)) print name[i] }' "$@"
}

# apt-get as root, whoever runs this; never asks a question.
ds_apt_get () {
  if [ "$(id -u)" -eq 0 ]; then
    DEBIAN_FRONTEND=noninteractive apt-get -y -o DPkg::Lock::Timeout=300 "$@"
  else
    sudo env DEBIAN_FRONTEND=noninteractive apt-get -y -o DPkg::Lock::Timeout=300 "$@"
  fi
}

# ds_install_packages LOG SECTION...: installs what is missing of these sections.  Touches
# neither the network nor apt when nothing is.  Fails with one sentence.
ds_install_packages () {
  ds_log=$1
  shift
  # shellcheck disable=SC2046 # package names are words
  set -- $(ds_list_packages "$@")

  if ! command -v dpkg-query >/dev/null 2>&1 || ! command -v apt-get >/dev/null 2>&1; then
    ds_say "This is no Debian system, so nothing is installed; what is needed is in build-aux/packages.txt."
    return 0
  fi

  # shellcheck disable=SC2046
  set -- $(ds_missing_packages "$@")
  if [ $# -eq 0 ]; then
    return 0
  fi
  if [ "$(id -u)" -ne 0 ] && ! command -v sudo >/dev/null 2>&1; then
    ds_complain "Packages are missing ($*): install them as root, or install sudo and run this again."
    return 1
  fi

  ds_say "Installing $# packages: $*"
  if ds_apt_get install --no-install-recommends "$@" >"$ds_log" 2>&1 </dev/null; then
    return 0
  fi
  # No package lists yet, or too old ones.
  if ds_apt_get update >>"$ds_log" 2>&1 </dev/null &&
     ds_apt_get install --no-install-recommends "$@" >>"$ds_log" 2>&1 </dev/null; then
    return 0
  fi
  ds_complain "Could not install $*: apt-get said \"$(grep -E '^(E:|W: Failed|sudo:)' "$ds_log" | tail -n 1)\" (all of it in $ds_log)."
  return 1
}

# ds_configure FOLDER COMPILER MESON_OPTION...: a build folder with these options; does
# nothing when it has them already.
ds_configure () {
  ds_folder=$1
  ds_compiler=$2
  shift 2
  ds_wanted="$ds_compiler $*"

  if [ -f "$ds_folder/build.ninja" ] && [ -f "$ds_folder/ds-options" ] &&
     [ "$(cat "$ds_folder/ds-options")" = "$ds_wanted" ]; then
    return 0
  fi
  if [ -f "$ds_folder/build.ninja" ]; then
    meson setup --reconfigure "$ds_folder" "$@" || return 1
  else
    CC=$ds_compiler meson setup "$ds_folder" "$@" || return 1
  fi
  printf '%s\n' "$ds_wanted" >"$ds_folder/ds-options"
}

# How many jobs at once.
ds_n_processors () {
  nproc 2>/dev/null || echo 1
}
