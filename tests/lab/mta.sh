# Exim and OpenSMTPD in the lab's zones, beside Postfix (mail.sh).  Debian lets only one mail server be
# installed at a time, so these two are fetched and unpacked, and each runs with its own /etc, /var and
# /run in a mount namespace of its own.

MTA_USERS="Debian-exim opensmtpd opensmtpq mailbox"

# Where PACKAGE is unpacked; what cannot be had fails the test.
mta_package() { # PACKAGE
	"$here/fetch" "$1" && echo "$BUILD/mta/$1" && return
	echo "FAILED no $1" >&2
	return 1
}

mta_version() { # PACKAGE
	local file=$(cd "$BUILD/mta/$1/fetched" && echo *.deb)
	file=${file#*_}
	echo "${file%_*}" | sed 's/%3a/:/'
}

# A folder with what the server is to find in /etc, /var and /run, and users that are there for it alone.
mta_folder() { # DIR
	local dir=$1 name user id=64900
	mkdir -p "$dir"/{run,mail,var/{lib/opensmtpd/empty,mail,tmp},var/spool/{exim4,smtpd},log,etc/exim4}
	chmod 711 "$dir/var/spool/smtpd"
	for name in passwd group nsswitch.conf hosts services protocols ssl localtime login.defs pam.d security ld.so.cache \
		ld.so.conf ld.so.conf.d shells; do
		cp -a "/etc/$name" "$dir/etc/" 2>/dev/null
	done
	: >"$dir/etc/resolv.conf"
	ln -s /run "$dir/var/run"
	for user in $MTA_USERS; do
		sed -i "/^$user:/d" "$dir/etc/passwd" "$dir/etc/group"
		echo "$user:x:$id:$id::$dir/mail:/bin/sh" >>"$dir/etc/passwd"
		echo "$user:x:$id:" >>"$dir/etc/group"
		id=$((id + 1))
	done
	sed -i 's|^\(opensmtpd:.*\):[^:]*:/bin/sh$|\1:/var/lib/opensmtpd/empty:/bin/sh|' "$dir/etc/passwd"
	chown 64900 "$dir/log" "$dir/var/spool/exim4" "$dir/run"
	chown 64903 "$dir/mail"
}

# Runs COMMAND in ZONE with the folder's /etc, /var and /run, and what PACKAGE has in /usr/libexec.
mta_run() { # ZONE DIR PACKAGE-FOLDER COMMAND ...
	zone "$1" unshare -m bash -c '
		dir=$1 package=$2
		shift 2
		[[ ! -d $package/usr/libexec ]] || mount --bind "$package/usr/libexec" /usr/libexec || exit 1
		for name in etc var run; do mount --bind "$dir/$name" "/$name" || exit 1; done
		exec "$@"' mta "${@:2}"
}

# Exim is started in ZONE and takes mail for DOMAIN at ADDRESS into $work/exim-ZONE/mail/new; what comes to MTA_LOCAL
# (127.0.0.1) goes on by ROUTES (route_list of a manualroute router).  user/secret may authenticate.  Lines of the main
# section come on stdin.
exim_up() { # ZONE ADDRESS DOMAIN ROUTES
	local dir=$work/exim-$1 package
	package=$(mta_package exim4-daemon-light) || return 1
	mta_folder "$dir"
	chown 64900 "$dir/mail"
	cat >"$dir/etc/exim4/exim4.conf" - <(cat <<-END
	exim_path = $package/usr/sbin/exim4
	deliver_drop_privilege
	primary_hostname = mail.$3
	local_interfaces = $2 : ${MTA_LOCAL:-127.0.0.1}
	log_file_path = $dir/log/%slog
	pid_file_path = $dir/run/exim.pid
	domainlist ours = $3
	hostlist relay = <; 127.0.0.0/8
	acl_smtp_rcpt = rcpt
	acl_smtp_vrfy = vrfy
	host_lookup =
	rfc1413_query_timeout = 0s
	smtp_accept_max = 50
	keep_environment =
	begin acl
	rcpt:
	  deny    local_parts = nobody-here
	          message = no such user here\nask the registry
	  accept  domains = +ours
	  accept  hosts = +relay
	  deny    message = relay not permitted
	vrfy:
	  accept
	begin routers
	out:
	  driver = manualroute
	  domains = ! +ours
	  route_list = $4
	  transport = out
	  self = send
	in:
	  driver = accept
	  transport = in
	begin transports
	out:
	  driver = smtp
	  interface = $2
	  hosts_avoid_tls = *
	  dnssec_request_domains =
	in:
	  driver = appendfile
	  maildir_format
	  directory = $dir/mail
	  create_directory
	begin retry
	* * F,1h,1m
	begin authenticators
	plain:
	  driver = plaintext
	  public_name = PLAIN
	  server_prompts = :
	  server_condition = \${if and{{eq{\$auth2}{user}}{eq{\$auth3}{secret}}}}
	  server_set_id = \$auth2
	login:
	  driver = plaintext
	  public_name = LOGIN
	  server_prompts = Username:: : Password::
	  server_condition = \${if and{{eq{\$auth1}{user}}{eq{\$auth2}{secret}}}}
	  server_set_id = \$auth1
	cram:
	  driver = cram_md5
	  public_name = CRAM-MD5
	  server_secret = secret
	  server_set_id = \$auth1
	END
	)
	mta_run "$1" "$dir" "$package" "$package/usr/sbin/exim4" -bd -q1m >"$dir/log/start" 2>&1 || cat "$dir/log/start"
}

# OpenSMTPD likewise, in $work/opensmtpd-ZONE.  what comes to MTA_LOCAL goes on to HOST.  Lines in front of
# all others come on stdin.
opensmtpd_up() { # ZONE ADDRESS DOMAIN HOST
	local dir=$work/opensmtpd-$1 package
	package=$(mta_package opensmtpd) || return 1
	mta_folder "$dir"
	cat >"$dir/etc/smtpd.conf" - <(cat <<-END
	listen on $2
	listen on ${MTA_LOCAL:-127.0.0.1}
	action "in" maildir "$dir/mail" virtual { "@" = mailbox }
	action "out" relay host "smtp://$4" src "$2"
	match from any for domain "$3" action "in"
	match from src { 127.0.0.0/8 } for any action "out"
	END
	)
	echo "mail.$3" >"$dir/etc/mailname"
	mta_run "$1" "$dir" "$package" "$package/usr/sbin/smtpd" -d >"$dir/log/mail" 2>&1 </dev/null &
	children+=($!)
}
