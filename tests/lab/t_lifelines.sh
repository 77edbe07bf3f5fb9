#!/bin/bash
# What stays up while everything is isolated: lifelines of the policy and the management path; and
# what the policy says of limits in time and of second persons.
#
#   office 10.20.0.0/16, fd00:20::/64 ---- lan-office +---------+ lan-dmz ---- dmz 192.0.2.0/24, 2001:db8:40::/64
#   wifi 172.16.0.0/20 ------------------- lan-wifi   | sekisho | wan-inet --- internet (everything else)
#                                                     +---------+
. "$(dirname "$0")/case.sh"

flows() { # LINES OF isolation
	cat <<-END_OF_POLICY
	flows:
	  - { id: web, from: [office, wifi], to: dmz/web, services: any }
	  - { id: back, from: dmz/web, to: office, services: any }
	  - { id: out, from: [office, wifi], to: internet, services: any }
	  - { id: calls, from: wifi, to: internet, services: udp/5060 }
	  - { id: mail, from: office, to: dmz/mail, services: smtp }
	  - { id: admin, from: office/admin, to: self, services: ssh }
	nat:
	  - { id: wifi-out, kind: masquerade, from: wifi, to: internet }
	isolation:
	$(sed 's/^/  /')
	END_OF_POLICY
}
flows <<<"lifelines: [dmz/web, calls]" | policy
up
cut() { sekisho isolate "$@" --yes --reason drill --own-judgment; }
join() { sekisho reconnect "$@" --reason "it was a drill"; }
lab daemon stop
printf 'management: { interface: lan-office, prefix: 10.20.9.0/24, port: 22 }\n' >>"$home/sekisho.yaml"
lab daemon start
check "with a management path" sekisho apply

everything='
	arrived dmz *      | office 10.20.0.9 192.0.2.80 tcp/80
	arrived dmz *      | office fd00:20::9 2001:db8:40::80 udp/53
	arrived office *   | dmz 192.0.2.80 10.20.0.9 tcp/4000
	arrived internet * answered | wifi 172.16.0.9 9.9.9.9 udp/5060
	arrived dmz *      | office 10.20.0.9 192.0.2.25 tcp/25
	arrived internet * | office 10.20.0.9 9.9.9.9 tcp/443
	arrived self *     | office 10.20.9.9 10.20.0.1 tcp/22'
probes <<<"$everything"
check "a preview tells what stays" sh -c "'$BUILD/sekisho' isolate all --preview --socket '$home/run/control.sock' | tee '$work/preview'"
check "the lifelines" grep -q 'stays up.*dmz/web' "$work/preview"
check "the management path" grep -q 'stays open.*port 22 from 10.20.9.0/24' "$work/preview"
check "everything but lifelines" cut all
probes <<END_OF_PROBES
	arrived dmz *      | office 10.20.0.9 192.0.2.80 tcp/80
	arrived dmz *      | office fd00:20::9 2001:db8:40::80 udp/53
	arrived office *   | dmz 192.0.2.80 10.20.0.9 tcp/4000
	arrived internet * answered | wifi 172.16.0.9 9.9.9.9 udp/5060
	silent             | office 10.20.0.9 192.0.2.25 tcp/25
	silent             | office 10.20.0.9 9.9.9.9 tcp/443
	silent             | wifi 172.16.0.9 9.9.9.9 udp/443
	arrived self *     | office 10.20.9.9 10.20.0.1 tcp/22
END_OF_PROBES
check "a zone that is cut by name has no lifeline" cut zone wifi
check "nor has a host" cut host 10.20.0.9
probes <<END_OF_PROBES
	silent             | wifi 172.16.0.9 9.9.9.9 udp/5060
	silent             | office 10.20.0.9 192.0.2.80 tcp/80
	arrived dmz *      | office 10.20.0.10 192.0.2.80 tcp/80
	arrived self *     | office 10.20.9.9 10.20.0.1 tcp/22
END_OF_PROBES
check "the zone back" join wifi
check "the host back" join 10.20.0.9
probes <<END_OF_PROBES
	arrived internet * answered | wifi 172.16.0.9 9.9.9.9 udp/5060
	silent             | office 10.20.0.9 9.9.9.9 tcp/443
END_OF_PROBES
check "total" cut all --total
probes <<END_OF_PROBES
	silent             | office 10.20.0.9 192.0.2.80 tcp/80
	silent             | office fd00:20::9 2001:db8:40::80 udp/53
	silent             | wifi 172.16.0.9 9.9.9.9 udp/5060
	arrived self *     | office 10.20.9.9 10.20.0.1 tcp/22
END_OF_PROBES
check "everything back" join all
probes <<<"$everything"

# --- other lifelines while it is isolated; a limit in time; two persons

check "again" cut all
check "the policy takes them away" apply < <(flows <<<"time-limit: 30m")
probes <<END_OF_PROBES
	silent             | office 10.20.0.9 192.0.2.80 tcp/80
	silent             | wifi 172.16.0.9 9.9.9.9 udp/5060
END_OF_PROBES
check "back" join all
check_not "longer than the policy allows" cut zone wifi --for 2h
# What the daemon looks at every 5 seconds.
at_a_look() { eventually "$@" || eventually "$@"; }
check "for a second" cut zone wifi --for 1s
check "which ends by itself" at_a_look sh -c "'$BUILD/sekisho' status --socket '$home/run/control.sock'"
check "and is recorded" grep -q '"event":"isolation-ended"' "$home/events"
probes <<END_OF_PROBES
	arrived internet * answered | wifi 172.16.0.9 9.9.9.9 udp/5060
END_OF_PROBES

check "for a while" cut zone wifi --for 20m
lab daemon kill
boot='s/"until":"[^ "]*/"until":"0d2b6c1e/'
sed -i "$boot" "$home/state/isolation"
lab daemon start
check "another boot goes by the clock" at_a_look eval '! grep -q 0d2b6c1e "$home/state/isolation"'
check "and it is isolated still" grep -q ISOLATED <(sekisho status)
lab daemon kill
sed -i "$boot; s/\"until_usec\":[0-9]*/\"until_usec\":1/; s/\"confirmed\":[0-9]*/\"confirmed\":1/" "$home/state/isolation"
lab daemon start
check "until its time is over" at_a_look sh -c "'$BUILD/sekisho' status --socket '$home/run/control.sock'"

check "two persons" apply < <(flows <<<"second-person-to-reconnect: true")
lab person suzuki operate
lab person tanaka operate
lab person yamada isolate
check "the night clerk may cut off" lab as yamada isolate zone wifi --yes --reason malware --own-judgment
check_not "but not total" lab as yamada isolate all --total --yes --reason malware --own-judgment
check_not "nor reconnect" lab as yamada reconnect wifi --reason "all clear"
check "the refusals are recorded" eventually grep -q '"event":"call-refused"' "$home/events"
same "one person asks" 5 "$(lab as suzuki reconnect wifi --reason "all clear" >"$work/first" 2>&1; echo $?)"
same "and cannot be the second" 5 "$(lab as suzuki reconnect wifi --reason "all clear" >"$work/first" 2>&1; echo $?)"
probes <<END_OF_PROBES
	silent             | wifi 172.16.0.9 9.9.9.9 udp/5060
END_OF_PROBES
check "the status tells" grep -q 'asked to reconnect' <(sekisho status)
check "another one does it" lab as tanaka reconnect wifi --reason "all clear"
probes <<END_OF_PROBES
	arrived internet * answered | wifi 172.16.0.9 9.9.9.9 udp/5060
END_OF_PROBES

done_
