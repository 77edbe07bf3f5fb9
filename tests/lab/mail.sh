# Mail servers of others in the lab's zones: each in its own namespace and folder, as a whole.

postfixes=()
trap 'for etc in "${postfixes[@]}"; do postfix -c "$etc" stop >/dev/null 2>&1; done; tidy' EXIT

# POSTFIX is started in ZONE and takes mail for DOMAIN at ADDRESS into $work/postfix-ZONE/mail/new;
# lines of main.cf besides come on stdin, of master.cf in $services.
postfix_up() { # ZONE ADDRESS DOMAIN
	local zone=$1 dir=$work/postfix-$1
	mkdir -p "$dir"/{etc,queue,data,mail}
	chmod 755 "$dir" "$dir"/{etc,queue}
	chown postfix "$dir/data"
	chown nobody "$dir/mail"
	cat >"$dir/etc/main.cf" <<-END
	compatibility_level = 3.6
	queue_directory = $dir/queue
	data_directory = $dir/data
	maillog_file = $dir/maillog
	maillog_file_prefixes = $work
	myhostname = mail.$3
	mydestination =
	inet_interfaces = $2
	mynetworks = 127.0.0.0/8
	virtual_mailbox_domains = $3
	virtual_mailbox_maps = static:all/
	virtual_mailbox_base = $dir/mail
	virtual_uid_maps = static:$(id -u nobody)
	virtual_gid_maps = static:$(id -g nobody)
	smtp_host_lookup = native
	smtp_dns_support_level = disabled
	alias_maps =
	smtpd_peername_lookup = no
	biff = no
	END
	cat >>"$dir/etc/main.cf"
	grep -q ^smtpd_relay_restrictions "$dir/etc/main.cf" ||
		echo "smtpd_relay_restrictions = reject_unauth_destination" >>"$dir/etc/main.cf"
	cat >"$dir/etc/master.cf" <<-END
	smtp      inet  n       -       n       -       -       smtpd
	pickup    unix  n       -       n       60      1       pickup
	cleanup   unix  n       -       n       -       0       cleanup
	qmgr      unix  n       -       n       5       1       qmgr
	rewrite   unix  -       -       n       -       -       trivial-rewrite
	bounce    unix  -       -       n       -       0       bounce
	defer     unix  -       -       n       -       0       bounce
	trace     unix  -       -       n       -       0       bounce
	proxymap  unix  -       -       n       -       -       proxymap
	smtp      unix  -       -       n       -       -       smtp
	relay     unix  -       -       n       -       -       smtp
	error     unix  -       -       n       -       -       error
	retry     unix  -       -       n       -       -       error
	virtual   unix  -       n       n       -       -       virtual
	anvil     unix  -       -       n       -       1       anvil
	scache    unix  -       -       n       -       1       scache
	postlog   unix-dgram n  -       n       -       1       postlogd
	END
	printf "%s" "${services:-}" >>"$dir/etc/master.cf"
	zone "$zone" postfix -c "$dir/etc" start >"$dir/start" 2>&1 || cat "$dir/start"
	postfixes+=("$dir/etc")
}

# The usual leg of a test: mail of outsiders to a Postfix of city.example.jp in dmz, at 192.0.2.25, under a guard whose
# further lines come on stdin; lines of main.cf besides as an argument.
mail_leg() { # [MAIN.CF]
	{
		cat <<-END
		guards:
		  mail:
		    protocol: smtp
		    domains: [city.example.jp]
		    senders: [office, dmz/mail]
		END
		sed 's/^/    /'
		cat <<-END
		    tls: clear-only
		    tls-reason: the leg between relay and store of this test
		flows:
		  - { id: mail-in, from: internet, to: dmz/mail, services: [smtp], guard: mail }
		END
	} | policy
	up
	zone dmz nft insert rule inet lab_answer answer tcp dport 25 accept
	postfix_up dmz 192.0.2.25 city.example.jp <<<"message_size_limit = 20480000${1:+
$1}"
}
