#!/bin/bash
# A scanner by ICAP: the real c-icap with its antivirus service over the real clamd.
#
#   internet ----------------------------------------------------- wan-inet +---------+
#   dmz 192.0.2.0/24 (Postfix of city.example.jp at 192.0.2.25) -- lan-dmz  | sekisho | --- c-icap (127.0.0.1) --- clamd
#                                                                           +---------+
. "$(dirname "$0")/case.sh"
. "$here/mail.sh"
postfixes=() clamd='' icap=''
trap 'for etc in "${postfixes[@]}"; do postfix -c "$etc" stop >/dev/null 2>&1; done; stop "$icap"; stop "$clamd"; tidy' EXIT
stop() { # PID, and its children: c-icap waits for its clients else
	[[ -z $1 ]] || kill -9 "$1" $(pgrep -P "$1") 2>/dev/null
}

policy <<<"flows: [{ id: mail-in, from: internet, to: dmz/mail, services: smtp }]"

# --- the scanner

folder=$work/scanner socket=$work/scanner/clamd.ctl
mkdir -p "$folder/db" "$folder/tmp"
chmod 777 "$folder" "$folder/tmp"
eicar='X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR-''STANDARD-ANTIVIRUS-''TEST-FILE!$H+H*'
printf '%s' "$eicar" >"$work/eicar"
printf 'Lab.Eicar-1:0:*:%s\n' "$(od -An -tx1 <"$work/eicar" | tr -d ' \n')" >"$folder/db/lab.ndb"
cat >"$folder/clamd.conf" <<END
DatabaseDirectory $folder/db
LocalSocket $socket
LocalSocketMode 666
Foreground yes
LogFile $folder/log
TemporaryDirectory $folder/tmp
END
cat >"$folder/c-icap.conf" <<END
PidFile $folder/pid
CommandsSocket $folder/ctl
Port 127.0.0.1:1344
StartServers 1
MaxServers 2
ThreadsPerChild 4
ServerName lab
ServerAdmin nobody
TmpDir $folder/tmp
ModulesDir /usr/lib/x86_64-linux-gnu/c_icap
ServicesDir /usr/lib/x86_64-linux-gnu/c_icap
TemplateDir /usr/share/c_icap/templates/
LoadMagicFile /etc/c-icap/c-icap.magic
ServerLog $folder/server.log
AccessLog $folder/access.log
Service echo srv_echo.so
Service antivirus_module virus_scan.so
ServiceAlias avscan virus_scan?allow204=on&sizelimit=off&mode=simple
virus_scan.ScanFileTypes TEXT DATA EXECUTABLE ARCHIVE GIF JPEG MSOFFICE
virus_scan.MaxObjectSize 30M
virus_scan.DefaultEngine clamd
Module common clamd_mod.so
clamd_mod.ClamdSocket $socket
END
clamd --config-file "$folder/clamd.conf" >"$folder/out" 2>&1 &
clamd=$!
eventually test -S "$socket" || cat "$folder/out" "$folder/log"
listens() { gw bash -c 'exec 3<>/dev/tcp/127.0.0.1/1344' 2>/dev/null; }
start_icap() {
	gw c-icap -N -f "$folder/c-icap.conf" >"$folder/icap.out" 2>&1 &
	eventually listens || cat "$folder/icap.out" "$folder/server.log"
	icap=$(tr -dc 0-9 <"$folder/pid")
}

up internet=198.51.100.25
restarted() { # SERVICE
	sed -i '/^scanner:/d' "$home/sekisho.yaml"
	echo "scanner: { icap: icap://127.0.0.1:1344/$1 }" >>"$home/sekisho.yaml"
	lab daemon stop && lab daemon start
}
start_icap
check "the daemon is started with a scanner" restarted avscan
policy <<END
guards:
  mail:
    protocol: smtp
    domains: [city.example.jp]
    size: 30MB
    malware: { seconds: 20 }
    tls: clear-only
    tls-reason: the leg between relay and store of this test
flows:
  - { id: mail-in, from: internet, to: dmz/mail, services: [smtp], guard: mail }
END
check "a guard has mail scanned" sekisho apply "$rules"
zone dmz nft insert rule inet lab_answer answer tcp dport 25 accept
postfix_up dmz 192.0.2.25 city.example.jp <<<"message_size_limit = 40960000"

n=0
mail() { # [SWAKS ...]
	n=$((n + 1))
	zone internet swaks --server 192.0.2.25 --protocol ESMTP --timeout 40 --from "a$n@third.example" --to b@city.example.jp \
		"$@" >"$work/said" 2>&1 || { tail -n 6 "$work/said" | cut -c1-200; false; }
}
stopped() { ! mail "${@:2}" && grep -qE "^<(\*\*|~\*|~~| -|  ) *$1" "$work/said"; } # CODE ...
last_is() { [[ $(sekisho mail list --json --limit 1 --from "a$n@third.example" |
	jq -r '.records[0] | "\(.verdict) \(.reason | split(":")[0])"') == "$1" ]]; }
got() { find "$work/postfix-dmz/mail" -path '*/new/*' -type f 2>/dev/null | wc -l; }
arrived() { [[ $(got) == "$1" ]]; }
status_has() { sekisho status | grep -q "$1"; }
problem_has() { sekisho status --json | jq -r '.problems // [] | .[]' | grep -q "$1"; }

check "the service is seen" eventually status_has 'scanner .*up, .*[Aa]ntivirus'
check "clean mail passes" mail --body clean
check "and is recorded as scanned" eventually last_is "passed scanned"
check "and arrives" eventually arrived 1
head -c 3000000 /dev/urandom >"$work/large"
check "a large one too" mail --body text --attach-name large.bin --attach "@$work/large"
check "an infected one is refused" stopped 550 --body text --attach-name bill.pdf --attach "@$work/eicar"
check "with the name of what was found" grep -q 'Lab.Eicar-1' "$work/said"
check "its record says so" eventually last_is "refused malware"
check "and it did not arrive" eventually arrived 2

stop "$icap"
check "the service ends" eventually eval "! listens"
check "without it nothing passes" stopped 451 --body clean
check "which the status says" eventually problem_has SK812
start_icap
passes() { mail --body clean; }
check "back again, it passes" eventually passes
# It is asked every five seconds.
check "and the problem is gone" eval "eventually eval '! problem_has SK812' || eventually eval '! problem_has SK812'"
stop "$clamd"
check "a service without its scanner is none" stopped 4.. --body clean
check "a service that is not there" restarted nothing
check "is told of" eventually problem_has 'SK812.*no such service'
check "and nothing passes" stopped 451 --body clean
done_
