#!/bin/bash
# The extractor of the installed daemon, sealed in as it is in service: it tells of every file of
# tests/unpack what the same look tells outside of the sandbox, so that no library needs a file or
# a call that it may not have; and it has given up what it does not need.
. "$(dirname "$0")/case.sh"

files=("$root"/tests/unpack/files/*)
"$BUILD/lab-extract" - "${files[@]}" >"$work/here"
# A bomb first: it takes long enough to be looked at.
"$BUILD/lab-extract" "$BUILD/sekishod" "$root/tests/unpack/files/bomb-tree.zip" "${files[@]}" >"$work/there"

same "the extractor's user, capabilities, filter" \
	"## rights: uid 65534 caps 0 seccomp 2 no-new-privileges 1 files 6" "$(grep '^## rights' "$work/there")"
sed -i '/^## rights/d; 0,/^= archive/d' "$work/there"
same "files looked into" "${#files[@]}" "$(grep -c '^=' "$work/there")"
same "what is told" "" "$(diff "$work/here" "$work/there" | head -20)"
same "no extractor came to a bad end" "" "$(grep -a '^trouble' "$work/there")"
done_
