# SPDX-License-Identifier: Apache-2.0
#
# Passes on what ctest prints, and names above its summary the tests that passed
# only when they were tried again.

match($0, /Test +#[0-9]+: [^ ]+/) {
  name = substr($0, RSTART, RLENGTH)
  sub(/.*: /, "", name)
  if (/\*\*\*(Failed|Timeout|Exception)/) failed[name] = 1
  if (/ Passed /) passed[name] = 1
}

/^[0-9]+% tests passed/ {
  for (name in failed) {
    if (name in passed) print "unsteady: " name " failed, and passed when it was tried again"
  }
}

{
  print
  fflush()
}
