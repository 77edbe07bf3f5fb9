#!/bin/bash
# Agreement on random crooked policies: overlaps, odd ranges, exceptions, guards, translations.  SEED is
# the first of them, POLICIES how many are tried.
#
#   every zone of the policy ---- gateway ---- every zone of the policy
. "$(dirname "$0")/case.sh"

seed=${SEED:-$((RANDOM * 32768 + RANDOM))} wanted=${POLICIES:-5}
for ((tried = 0; wanted > 0 && tried < 50; tried++, seed++)); do
	rm -rf "$rules"
	python3 "$here/crooked.py" "$seed" "$rules"
	"$BUILD/sekisho" check "$rules" >"$work/faults" 2>&1 || continue # some have faults, rightly
	wanted=$((wanted - 1))
	check "seed $seed comes up" lab up "$rules"
	lab daemon stop # the rules stay; the queue is the probes'
	check "seed $seed: all agree" "$BUILD/lab-agree" "$rules" --seed "$seed" --count 800 --most
	tail -n 1 "$work/check"
	lab down
done
same "enough policies without faults" 0 "$wanted"

done_
