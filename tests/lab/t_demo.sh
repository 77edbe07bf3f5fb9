#!/bin/bash
# The demo: ends by itself without a terminal, everything goes as the policy says, nothing is left.
#
#   seventeen zones of rules/municipality ---- gateway
. "$(dirname "$0")/case.sh"

check "the demo succeeds" bash -c "'$here/demo' </dev/null >'$work/demo' 2>&1"
check "nothing goes otherwise than the policy says" grep -q ' 0 otherwise than the policy says' "$work/demo"
check "a hundred connections get through" test "$(grep -o '[0-9]* got through' "$work/demo" | grep -o '^[0-9]*')" -ge 100
check "the forwarded page tells the town's server" grep -q '^dmz sees ' "$work/demo"
check "the mail gate refuses a relay" grep -q 'elsewhere.example> -> 550 5.7.1' "$work/demo"
check "and a message over its size" grep -q 'SIZE=30000000 -> 552 5.3.4' "$work/demo"
check "and records what it let pass" grep -q ' mail-in .* passed ' "$work/demo"
# Columns stay in place beside Japanese titles: every row of the table is as wide as the first.
widths=$(python3 - "$work/demo" <<'END'
import re, sys, unicodedata
def width(text):
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)
rows = [line.rstrip("\n") for line in open(sys.argv[1], encoding="utf-8")]
table = [row for row in rows if re.match(r"^ ?\d+  \S.*( [.46-] |46 ){5}", row)]
print(len(table), len({width(row) for row in table}))
END
)
same "eighteen rows of one width" "18 1" "$widths"
same "no ambiguous characters" 0 "$(python3 -c '
import sys, unicodedata
print(sum(unicodedata.east_asian_width(c) == "A" for c in open(sys.argv[1], encoding="utf-8").read()))' "$work/demo")"
same "nothing is left" 0 "$(ip netns list | grep -c "^$LAB_PREFIX")"

done_
