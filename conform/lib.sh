# Shared by the scripts in this directory. Sourced, not run.
checks=0
failures=0

# same NAME WANT GOT: counts one check; GOT must equal WANT.
same() {
	checks=$((checks + 1))
	if [ "$2" != "$3" ]; then
		failures=$((failures + 1))
		printf 'FAIL %s\n  want: %q\n  got:  %q\n' "$1" "$2" "$3"
	fi
}

# has NAME PATTERN GOT: counts one check; GOT must match the extended regular expression.
has() {
	checks=$((checks + 1))
	if ! grep -qE -- "$2" <<<"$3"; then
		failures=$((failures + 1))
		printf 'FAIL %s\n  want: /%s/\n  got:  %.2000q\n' "$1" "$2" "$3"
	fi
}

# verdict NAME: prints the sum and ends the script.
verdict() {
	if [ "$failures" -gt 0 ]; then
		echo "$1: $failures of $checks checks failed"
		exit 1
	fi
	echo "$1: $checks checks passed"
}

# need COMMAND PACKAGE: installs a missing tool, and fails where that cannot be done.
need() {
	command -v "$1" >/dev/null && return
	echo "installing $2"
	local root=
	if [ "$(id -u)" != 0 ]; then root="sudo -n"; fi
	$root apt-get update -qq </dev/null >/dev/null 2>&1 || true
	DEBIAN_FRONTEND=noninteractive $root apt-get install -y -qq --no-install-recommends "$2" </dev/null >/dev/null || true
	command -v "$1" >/dev/null || {
		echo "$1 is missing and package $2 could not be installed" >&2
		exit 1
	}
}

# needpython MODULE PACKAGE: the same for a module of the system's python3.
needpython() {
	/usr/bin/python3 -c "import $1" 2>/dev/null && return
	echo "installing $2"
	local root=
	if [ "$(id -u)" != 0 ]; then root="sudo -n"; fi
	$root apt-get update -qq </dev/null >/dev/null 2>&1 || true
	DEBIAN_FRONTEND=noninteractive $root apt-get install -y -qq --no-install-recommends "$2" </dev/null >/dev/null || true
	/usr/bin/python3 -c "import $1" || {
		echo "python module $1 is missing and package $2 could not be installed" >&2
		exit 1
	}
}

# field NAME: prints the value of a field from the response head on standard input.
field() { tr -d '\r' | sed -n "s/^$1: //Ip"; }

# lacks NAME PATTERN GOT: counts one check; GOT must not match the extended regular expression.
lacks() {
	checks=$((checks + 1))
	if grep -qE -- "$2" <<<"$3"; then
		failures=$((failures + 1))
		printf 'FAIL %s\n  must not match: /%s/\n  got:  %q\n' "$1" "$2" "$3"
	fi
}
