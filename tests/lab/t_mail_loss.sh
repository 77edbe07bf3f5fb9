#!/bin/bash
# Packets that get lost before the mail gate come again at once, not after their sender's time-out: the
# gate says in its receiver's packets what came behind them.  Counted, not timed, where they are sent.
#
#   internet --- line that loses each 60th packet with new bytes (lab-impair) --- gateway --- dmz (server)
. "$(dirname "$0")/case.sh"
. "$here/line.sh"
export CONGESTION=cubic

policy <<END
guards:
  mail: { protocol: smtp, domains: [city.example.jp], size: 3MB, tls: clear-only, tls-reason: this test }
flows:
  - { id: mail-in, from: internet, to: dmz/mail, services: smtp, guard: mail }
END
up
bad_line internet wan-inet 1 0 0 0 60 5
impair=${children[-1]}
mkdir "$work/server"
zone dmz nft insert rule inet lab_answer answer tcp dport 25 accept
background dmz python3 "$here/mail_ends.py" server "$work/server"
check "the server listens" eventually test -e "$work/server/ready"

client() { zone internet timeout 120 python3 "$here/mail_ends.py" "$@" 2>/dev/null; }
count() { zone internet nstat -asz "TcpExt$1" | awk -v name="TcpExt$1" '$1 == name { print $2 }'; }

said=$(client honest 192.0.2.25 2500000)
same "the message arrives" "* 250 2.0.0 taken" "$said"
same "as it was sent" "${said%% *}" "$(cut -d' ' -f1 "$work/server/messages")"
# Half a megabyte of it goes to a client that is taken over.
same "too much is refused" "552 5.3.4 closed" "$(client too_much 192.0.2.25 3500000)"

kill -TERM "$impair"
check "the line says what it did" eventually grep -q lost "$work/line"
lost=$(sed 's/.*lost \([0-9]*\).*/\1/' "$work/line")
echo "  $lost lost; $(for word in TCPTimeouts TCPLossProbes TCPFastRetrans TCPSackRecovery TCPSACKReneging; do echo -n "$word $(count $word) "; done)"
check "packets were lost" test "$lost" -ge 60
check "they came again at once" test "$(count TCPFastRetrans)" -ge "$lost"
# One belongs to a client that was taken over, and closes before it has acknowledged everything.
check "and not after time-outs" test $(($(count TCPTimeouts) * 6)) -le "$lost"
check "nothing that was said to have arrived had to come again" test "$(count TCPSACKReneging)" -le 1
done_
