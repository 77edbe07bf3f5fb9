#!/bin/bash
# What has a guard goes through the ferry and an inspector: whole GSO packets, by processes without rights, over an
# apply; a zone that is cut off, a policy without guards.
#
#   office 10.20.0.0/16, fd00:20::/64 ---- lan-office +---------+ lan-dmz ---- dmz 192.0.2.0/24, 2001:db8:40::/64
#   wifi 172.16.0.0/20 ------------------- lan-wifi   | sekisho | wan-inet --- internet (everything else)
#                                                     +---------+
. "$(dirname "$0")/case.sh"
mode=flow # Packets, their queue and the ferry; t_mail_proxy.sh has the same of sockets.
. "$here/inspect.sh"

# --- honest traffic, and who carries it

check "a server is there" eventually mail_passes
check "by IPv6 too" eventually mail_passes 2001:db8:40::25
check "a record is kept" eventually recorded 2
before=$(number inspected)
check "20 MB pass" mail_passes 192.0.2.25 20000000
packets=$(($(number inspected) - before))
check "in fewer packets than travel: they go through whole ($packets)" eval '((packets < 20000000 / 1400))'
ferry=$(child ferry) inspector=$(child inspect)
same "the ferry may give verdicts and nothing else" 0000000000001000 "$(of "$ferry" CapEff)"
same "an inspector may nothing" 0000000000000000 "$(of "$inspector" CapEff)"
same "nor get it" 0000000000000000 "$(of "$inspector" CapBnd)"
for pid in $ferry $inspector; do
	check_not "neither is root" test "$(of "$pid" Uid)" = 0
	same "both are sealed" 2 "$(of "$pid" Seccomp)"
	same "for good" 1 "$(of "$pid" NoNewPrivs)"
done
# The gate's socket, its memory, two bells, the planner's, an epoll, and three of /dev/null and the daemon's log.
check "an inspector has no descriptor that it does not need" eval "((\$(ls /proc/$inspector/fd | wc -l) <= 9))"
check "the queue never fails open, and has a length" eval '[[ $(number inspect_queue_full) == 0 ]]'
check "status says who is at work" grep -q '^inspectors *1 at work' <(sekisho status)

# --- an apply while a message is on its way

slow live
check "a policy with one flow more" apply < <(guarded <<<"  - { id: more, from: office, to: dmz, services: https }")
check "the message goes on" goes_on live
same "and is delivered" "250*" "$(ends live)"
same "by the same inspector" "$inspector" "$(child inspect)"
check "new mail passes" mail_passes

# --- a stricter policy reaches a session under way, between two transactions

say() { # LINE EXPECTED
	local had
	had=$(wc -l <"$work/said")
	echo "$1" >&7
	eventually eval '(($(wc -l <"$work/said") > had))'
	same "$1" "$1 -> $2" "$(tail -n 1 "$work/said")"
}
mkfifo "$work/say"
nsenter --net="/run/netns/${LAB_PREFIX}office" python3 "$here/smtp_say.py" 192.0.2.25 <"$work/say" >"$work/said" 2>&1 &
children+=($!)
exec 7>"$work/say"
check "a session" eventually test -s "$work/said"
say "EHLO client.example" "250 *"
say "MAIL FROM:<a@far.example>" "250 *"
say "RCPT TO:<one@other.example>" "250 *"
check "relaying is closed, and the cap lower" apply <<-END
	guards: { mail: { protocol: smtp, domains: [city.example.jp], size: 1MB, tls: clear-only,
	                  tls-reason: the store of this test } }
	flows:
	  - { id: mail, from: office, to: dmz/mail, services: smtp, guard: mail }
	  - { id: web, from: office, to: dmz, services: http }
	END
say "RCPT TO:<two@other.example>" "250 *"
say "DATA" "354 *"
echo 'raw Words\r\n.\r\n' >&7
say "wait" "250 *"
say "MAIL FROM:<a@far.example> SIZE=2000000" "552 5.3.4 *"
say "MAIL FROM:<a@far.example>" "250 *"
say "RCPT TO:<three@other.example>" "550 5.7.1 *"
say "RCPT TO:<four@city.example.jp>" "250 *"
say "RSET" "250 *"
turned=$'\u202e' mark=$'\ufeff'
say "MAIL FROM:<x${turned}${mark}y@far.example> SMTPUTF8" "250 *"
say "RSET" "250 *"
say "QUIT" "221 *"
exec 7>&-
seen='x<U+202E><U+FEFF>y@far.example'
check "what is hidden in an address is shown" eventually eval 'sekisho mail list | grep -qF "$seen"'
id=$(sekisho mail list | grep -F "$seen" | awk '{ print $1; exit }')
check "in the whole record too" grep -qF "from        $seen" <(sekisho mail show "$id")
check_not "and never raw" grep -q "$turned\|$mark" <(sekisho mail list; sekisho mail list --json; sekisho mail show "$id" --json)
check "" apply < <(guarded </dev/null)

# --- a zone is cut off in the middle of a message

slow live
check "" sekisho isolate zone dmz --yes --reason drill --own-judgment
same "the message does not arrive" "broken*" "$(ends live)"
check_not "no new mail passes" mail_passes
check "" sekisho reconnect dmz --reason drill
check "afterwards mail passes" eventually mail_passes

# --- without guards they are not needed

check "mail passes before" eventually mail_passes
slow live
check "a policy without guards" apply <<<'flows: [ { id: web, from: office, to: dmz, services: http } ]'
check "what lives is judged by it" eventually reviewed
same "a message whose flow is gone does not arrive" "broken*" "$(ends live)"
check "nobody inspects" eventually eval '[[ -z $(child ferry)$(child inspect) ]]'
check "guards again" apply < <(guarded </dev/null)
check "and mail passes at once" mail_passes

done_
