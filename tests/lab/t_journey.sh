#!/bin/bash
# The first thing that a reader of the README does: edit one flow of the town, apply, see the difference
# in query, in show ruleset and on real packets.
#
#   office 10.20.0.0/16 ---- gateway with rules/municipality ---- servers, 10.21.0.20 the file server
. "$(dirname "$0")/case.sh"

cp -r "$root/rules/municipality" "$rules"
up
ssh_() { lab exec office -- nc -z -w 2 "$1" 22; }
ruleset() { "$BUILD/sekisho" show ruleset "$home/rules" | grep -c 'tcp . 22 .*"f_office-files"'; }
asked() { sekisho query office/10.20.0.2 servers/files ssh --expect "$1"; }

check_not "no SSH at first" ssh_ 10.21.0.20
check "query says so" asked deny
same "the ruleset has no such element" 0 "$(ruleset)"
check "the flow is where the README says" grep -q 'id: office-files' "$home/rules/flows-office.yaml"
awk '/id: office-files/ { here = 1 }
	here && /services:/ { sub(/services: *\[?smb\]?/, "services: [smb, ssh]"); here = 0 }
	{ print }' "$home/rules/flows-office.yaml" >"$work/edited"
check_not "it can be edited" cmp -s "$work/edited" "$home/rules/flows-office.yaml"
cp "$work/edited" "$home/rules/flows-office.yaml"
check "query on the folder says yes before it runs" asked allow
check_not "but the packets are stopped still" ssh_ 10.21.0.20
check "apply" sekisho apply
check "SSH gets through" ssh_ 10.21.0.20
check "by IPv6 too" ssh_ fd3c:9a51:77e0:21::20
check_not "to that server alone" ssh_ 10.21.0.10
same "the ruleset has one for each family" 2 "$(ruleset)"
check "the flow has counted them" bash -c "'$here/lab' sekisho flows | grep -E 'office-files' | grep -qE ' [1-9]'"

done_
