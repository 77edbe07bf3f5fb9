#!/bin/bash
# Agreement: the reference evaluator, `query` and the kernel say the same of thousands of packets, for
# the policies that ship and for a crooked small one.  SEED chooses other packets.
#
#   every zone of the policy ---- gateway ---- every zone of the policy
. "$(dirname "$0")/case.sh"

seed=${SEED:-$((RANDOM * 32768 + RANDOM))}
echo "seed $seed"

agree() { # DIR COUNT LEAST
	local report sent
	lab up "$1" || { bad "$1 does not come up"; return; }
	lab daemon stop # the rules stay; the queue is the probes'
	proxied
	report=$("$BUILD/lab-agree" "$home/rules" --seed "$seed" --count "$2" 2>&1)
	check "$1: all agree" test $? = 0
	tail -n 100 <<<"$report"
	sent=$(grep -o '[0-9]* as real packets' <<<"$report" | grep -o '^[0-9]*')
	check "$1: at least $3 real packets (${sent:-0})" test "${sent:-0}" -ge "$3"
	lab down
}

agree "$root/rules/municipality" 3400 3000
agree "$root/rules/branch-office" 3400 3000
agree "$root/rules/mail-gate" 300 50

agree "$root/tests/policies/crooked" 3600 3000

done_
