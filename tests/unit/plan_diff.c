// What a diff says of small changes: kinds, names, merging, weights, attribution.  One row, one
// test.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "plan/diff.h"

enum { TEXT_SIZE = 16384 };

// Zones and names that both policies have, in a file of their own.
static const char common[] =
	"zones:\n"
	"  office: { interfaces: [a], networks: [10.1.0.0/16, \"fd00:1::/64\"], class: II }\n"
	"  branch: { interfaces: [b], networks: [10.2.0.0/16], class: II }\n"
	"  servers: { role: server, interfaces: [c], networks: [10.3.0.0/24, \"fd00:3::/64\"], class: II }\n"
	"  vault: { interfaces: [d], networks: [10.4.0.0/24], class: I }\n"
	"  wifi: { role: public, interfaces: [e], networks: [172.16.0.0/20] }\n"
	"  internet: { role: external, interfaces: [f] }\n"
	"networks:\n"
	"  office/clerks: [10.1.1.0/24, \"fd00:1::1:0/112\"]\n"
	"  office/boss: [10.1.2.9]\n"
	"  branch/printer: [10.2.0.9]\n"
	"  servers/files: [10.3.0.5, \"fd00:3::5\"]\n"
	"services:\n"
	"  records: { title: 戸籍, members: [tcp/7001-7002, udp/7001] }\n"
	"owners: { it: { title: 情報政策課 }, hr: { title: 人事課 } }\n"
	"guards: { mail: smtp, mail2: smtp }\n";

// One guard with these keys, and a flow that has it.
#define GUARD(keys)                                                                                \
	"guards: { g: { protocol: smtp, " keys " } }\n"                                            \
	"flows: [{ id: f, from: office, to: servers, services: smtp, guard: g }]"

struct change {
	const char *name, *before, *after; // the other file
	const char *rows;		   // as row_text() puts them
};

static const struct change changes[] = {
	{ "nothing", "flows: [{ id: f, from: office, to: servers, services: ssh }]",
	  "flows: [{ id: f, from: office, to: servers, services: ssh }]", "" },
	{ "a named service between whole zones", "title: A",
	  "title: A\nflows:\n  - { id: f, from: office, to: servers, services: ssh, owner: it }",
	  "opens normal flow f :3 情報政策課: office > servers: ssh (tcp/22)\n" },
	{ "what closes is told of the policy before",
	  "flows: [{ id: f, from: office, to: servers, services: ssh }]", "",
	  "closes light flow f :1: office > servers: ssh (tcp/22)\n" },
	{ "named networks of both families",
	  "flows: [{ id: f, from: office/clerks, to: servers/files, services: ssh }]",
	  "flows: [{ id: f, from: office/clerks, to: servers/files, services: [ssh, ping] }]",
	  "opens normal flow f :1: office/clerks (10.1.1.0/24, fd00:1::1:0/112) > "
	  "servers/files (10.3.0.5, fd00:3::5): ping (icmp/echo-request, icmpv6/echo-request)\n" },
	{ "a port moves", "flows: [{ id: f, from: office, to: servers, services: tcp/8000 }]",
	  "flows: [{ id: f, from: office, to: servers, services: tcp/8001 }]",
	  "opens normal flow f :1: office > servers: tcp/8001\n"
	  "closes light flow f :1: office > servers: tcp/8000\n" },
	{ "a range grows on both sides",
	  "flows: [{ id: f, from: office, to: servers, services: tcp/8000-8010 }]",
	  "flows: [{ id: f, from: office, to: servers, services: tcp/7990-8020 }]",
	  "opens normal flow f :1: office > servers: tcp/7990-7999, tcp/8011-8020\n" },
	{ "a service of the policy by its name", "",
	  "flows: [{ id: f, from: office, to: servers, services: [records, https, http] }]",
	  "opens normal flow f :1: office > servers: records (tcp/7001-7002, udp/7001), "
	  "http (tcp/80), https (tcp/443)\n" },
	{ "one address more", "flows: [{ id: f, from: office/boss, to: servers, services: ssh }]",
	  "flows: [{ id: f, from: [office/boss, office/clerks], to: servers, services: ssh }]",
	  "opens normal flow f :1: office/clerks (10.1.1.0/24, fd00:1::1:0/112) > servers: ssh "
	  "(tcp/22)\n" },
	{ "a whole zone but for an address",
	  "flows: [{ id: f, from: branch, to: servers/files, services: ssh }]",
	  "flows: [{ id: f, from: branch, to: servers, services: ssh }]",
	  "opens normal flow f :1: branch > servers but 10.3.0.5: ssh (tcp/22)\n" },
	{ "an exception closes its part",
	  "flows: [{ id: f, from: branch, to: servers, services: ssh }]",
	  "flows: [{ id: f, from: branch, to: servers, services: ssh, except: [{ from: "
	  "branch/printer }] }]",
	  "closes light flow f :1: branch/printer (10.2.0.9) > servers: ssh (tcp/22)\n" },
	{ "only one family opens",
	  "flows: [{ id: f, from: office, to: servers, services: tcp/22, except: [{ from: office/v6 }] "
	  "}]\nnetworks: { office/v6: \"fd00:1::/64\" }",
	  "flows: [{ id: f, from: office, to: servers, services: tcp/22 }]\n"
	  "networks: { office/v6: \"fd00:1::/64\" }",
	  "opens normal flow f :1: office > servers: ssh (tcp/22) over IPv6\n" },
	{ "what another flow permits does not open",
	  "flows:\n  - { id: wide, from: office, to: servers, services: any }",
	  "flows:\n  - { id: wide, from: office, to: servers, services: any }\n"
	  "  - { id: ssh, from: office, to: servers, services: ssh }",
	  "words light flow ssh :3: new flow; all that it permits was permitted before\n" },
	{ "nor does it close",
	  "flows:\n  - { id: wide, from: office, to: servers, services: any }\n"
	  "  - { id: ssh, from: office, to: servers, services: ssh }",
	  "flows:\n  - { id: wide, from: office, to: servers, services: any }",
	  "words light flow ssh :3: flow removed; all that it permitted is permitted still\n" },
	{ "both of two flows tell what they open", "",
	  "flows:\n  - { id: wide, from: office, to: servers, services: any }\n"
	  "  - { id: ssh, from: office/boss, to: servers, services: ssh }",
	  "opens normal flow ssh :3: office/boss (10.1.2.9) > servers: ssh (tcp/22)\n"
	  "opens normal flow wide :2: office > servers: any\n" },
	{ "a new id is a matter of words",
	  "flows: [{ id: old, from: office, to: servers, services: ssh }]",
	  "flows: [{ id: new, from: office, to: servers, services: ssh }]",
	  "words light flow new :1: new flow; all that it permits was permitted before\n"
	  "words light flow old :1: flow removed; all that it permitted is permitted still\n" },
	{ "titles and owners",
	  "flows: [{ id: f, title: A, from: office, to: servers, services: ssh, owner: it }]",
	  "flows: [{ id: f, title: B, from: office, to: servers, services: ssh, owner: hr }]",
	  "words light flow f :1 人事課: title: B; before: A; owner: hr (人事課); before: it "
	  "(情報政策課)\n" },

	// Weights
	{ "to the Internet", "", "flows: [{ id: f, from: office, to: internet, services: https }]",
	  "opens heavy flow f :1: office > internet: https (tcp/443)\n" },
	{ "from the public", "", "flows: [{ id: f, from: wifi, to: servers, services: https }]",
	  "opens heavy flow f :1: wifi > servers: https (tcp/443)\n" },
	{ "to the gateway", "", "flows: [{ id: f, from: office, to: self, services: ssh }]",
	  "opens heavy flow f :1: office > self: ssh (tcp/22)\n" },
	{ "a sensitive zone", "", "flows: [{ id: f, from: branch, to: vault, services: ssh }]",
	  "opens heavy flow f :1: branch > vault: ssh (tcp/22)\n" },
	{ "a printer", "",
	  "flows: [{ id: f, from: office, to: branch/printer, services: printing }]",
	  "opens light flow f :1: office > branch/printer (10.2.0.9): lpr (tcp/515), ipp (tcp/631), "
	  "jetdirect (tcp/9100)\n" },
	{ "a printer with more than printing is none", "",
	  "flows: [{ id: f, from: office, to: branch/printer, services: tcp }]",
	  "opens normal flow f :1: office > branch/printer (10.2.0.9): tcp\n" },

	// Treatment
	{ "a guard is taken away",
	  "flows: [{ id: f, from: office, to: servers, services: smtp, guard: mail }]",
	  "flows: [{ id: f, from: office, to: servers, services: smtp }]",
	  "changes heavy flow f :1: office > servers: smtp (tcp/25): guard mail removed\n" },
	{ "a guard is added", "flows: [{ id: f, from: office, to: servers, services: smtp }]",
	  "flows: [{ id: f, from: office, to: servers, services: smtp, guard: mail }]",
	  "changes light flow f :1: office > servers: smtp (tcp/25): guard mail added\n" },
	{ "another guard",
	  "flows: [{ id: f, from: office, to: servers, services: smtp, guard: mail }]",
	  "flows: [{ id: f, from: office, to: servers, services: smtp, guard: mail2 }]",
	  "changes heavy flow f :1: office > servers: smtp (tcp/25): guard mail2 (smtp) instead of "
	  "mail (smtp)\n" },
	// What guards demand
	{ "a guard's own domains", GUARD("domains: a.example"),
	  GUARD("domains: [a.example, b.example]"),
	  "changes heavy guard g :1: domains: a.example, b.example; before: "
	  "a.example\n" },
	{ "an own domain less", GUARD("domains: [a.example, b.example]"),
	  GUARD("domains: [a.example]"),
	  "changes light guard g :1: domains: a.example; before: a.example, "
	  "b.example\n" },
	{ "more senders", GUARD("domains: a.example, senders: office/boss"),
	  GUARD("domains: a.example, senders: office"),
	  "changes heavy guard g :1: senders: office; before: office/boss\n" },
	{ "fewer senders", GUARD("domains: a.example, senders: office"),
	  GUARD("domains: a.example, senders: office/boss"),
	  "changes light guard g :1: senders: office/boss; before: office\n" },
	{ "smart hosts where all were", GUARD("senders: office"),
	  GUARD("senders: office, smart-hosts: servers/files"),
	  "changes light guard g :1: smart-hosts: servers/files; before: none\n" },
	{ "a false sender is believed", GUARD("domains: a.example"),
	  GUARD("domains: a.example, own-sender: mark"),
	  "changes heavy guard g :1: own-sender: mark; before: refuse\n" },
	{ "a larger size", GUARD("domains: a.example"), GUARD("domains: a.example, size: 21MB"),
	  "changes normal guard g :1: size: 21 MB; before: 20 MB\n" },
	{ "a smaller size one way", GUARD("domains: a.example, size-in: 20MB"),
	  GUARD("domains: a.example, size-in: 10MB"),
	  "changes light guard g :1: size: 10 MB in inward mail; else 20 MB; before: 20 MB in inward mail; "
	  "else 20 MB\n" },
	{ "a size for some", GUARD("domains: a.example"),
	  GUARD("domains: a.example, sizes: { from: office, recipients: [b.example, x@c.example], max: 1MiB }"),
	  "changes normal guard g :1: size: 1 MiB from office to @b.example or "
	  "x@c.example; else 20 MB; before: 20 MB\n" },
	{ "files are looked at", GUARD("domains: a.example"),
	  GUARD("domains: a.example, attachments: [{ kinds: [script, macro], direction: in, action: refuse }]"),
	  "changes light guard g :1: attachments: refuse macro or script in inward mail; else refuse "
	  "undecodable or unread; before: none\n" },
	{ "a refusal more",
	  GUARD("domains: a.example, attachments: [{ over: 10MB, action: refuse }]"),
	  GUARD("domains: a.example, attachments: [{ names: '*.EXE', action: refuse }, { over: 10MB, action: refuse }]"),
	  "changes light guard g :1: attachments: refuse named *.exe; else refuse over 10 MB; else "
	  "refuse undecodable or unread; before: refuse over 10 MB; else refuse undecodable or "
	  "unread\n" },
	{ "an exception",
	  GUARD("domains: a.example, attachments: [{ kinds: pdf, action: refuse }]"),
	  GUARD("domains: a.example, attachments: [{ names: plan.pdf, action: allow }, { kinds: pdf, action: refuse }]"),
	  "changes heavy guard g :1: attachments: allow named plan.pdf; else refuse pdf; else "
	  "refuse undecodable or unread; before: refuse pdf; else refuse undecodable or unread\n" },
	{ "nothing is taken apart",
	  GUARD("domains: a.example, attachments: [{ kinds: pdf, action: refuse }]"),
	  GUARD("domains: a.example"),
	  "changes heavy guard g :1: attachments: none; before: refuse pdf; else refuse "
	  "undecodable or unread\n" },
	{ "messages are scanned", GUARD("domains: a.example"),
	  GUARD("domains: a.example, malware: { encrypted: record }"),
	  "changes light guard g :1: malware: scanned: infected refuse, encrypted record, too big "
	  "refuse, no verdict in 60 s later; before: none\n" },
	{ "unscanned mail passes", GUARD("domains: a.example, malware: { down: later }"),
	  GUARD("domains: a.example, malware: { down: record, direction: in, seconds: 30 }"),
	  "changes heavy guard g :1: malware: scanned in inward mail: infected refuse, encrypted refuse, too big "
	  "refuse, no verdict in 30 s record; before: scanned: infected refuse, encrypted refuse, too "
	  "big refuse, no verdict in 60 s later\n" },
	{ "habits", GUARD("domains: a.example, mode: proxy"),
	  GUARD("domains: a.example, mode: proxy, habits: [{ direction: out, forwarded: true, action: refuse }, { look-alike: [name, domain], names: [霞市長], senders: b.example, action: mark }, { link-differs: true, link-domains: [c.example], action: allow }, { recipient-domains: [D.example], action: record }]"),
	  "changes light guard g :1: habits: refuse forwarded in outward mail; mark look-alike by domain or "
	  "name or named 霞市長 by @b.example; allow links that differ to c.example; record "
	  "recipients of d.example; before: none\n" },
	{ "a row among many, whose change is not cut off",
	  GUARD("domains: a.example, attachments: [{ kinds: [executable, script, shortcut, disk-image, misleading], action: refuse }, { names: ['*.aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa', '*.bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb', '*.ccccccccccccccccccccccccccccccccccccccc', '*.ddddddddddddddddddddddddddddddddddddddddd'], action: refuse }, { kinds: pdf, action: refuse }, { kinds: office, action: record }]"),
	  GUARD("domains: a.example, attachments: [{ kinds: [executable, script, shortcut, disk-image, misleading], action: refuse }, { names: ['*.aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa', '*.bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb', '*.ccccccccccccccccccccccccccccccccccccccc', '*.ddddddddddddddddddddddddddddddddddddddddd'], action: refuse }, { kinds: pdf, action: allow }, { kinds: office, action: record }]"),
	  "changes heavy guard g :1: attachments: ... else allow pdf ...; before: ... else refuse "
	  "pdf ...\n" },
	{ "a row less among many",
	  GUARD("domains: a.example, attachments: [{ names: ['*.aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa', '*.bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb', '*.ccccccccccccccccccccccccccccccccccccccc', '*.ddddddddddddddddddddddddddddddddddddddddd'], action: refuse }, { kinds: pdf, action: refuse }, { kinds: office, action: record }]"), GUARD("domains: a.example, attachments: [{ names: ['*.aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa', '*.bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb', '*.ccccccccccccccccccccccccccccccccccccccc', '*.ddddddddddddddddddddddddddddddddddddddddd'], action: refuse }, { kinds: office, action: record }]"),
	  "changes heavy guard g :1: attachments: ... else record office ...; before: ... else refuse pdf; "
	  "else record office ...\n" },
	{ "a habit less",
	  GUARD("domains: a.example, habits: [{ active-content: true, action: refuse }, { outside-recipients-over: 5, action: refuse }]"),
	  GUARD("domains: a.example, habits: [{ outside-recipients-over: 5, action: refuse }]"),
	  "changes heavy guard g :1: habits: refuse over 5 recipients outside; before: refuse active "
	  "content; refuse over 5 recipients outside\n" },
	{ "words", GUARD("domains: a.example"),
	  GUARD("domains: a.example, attachments: [{ words: [機密, 重要性Ⅰ], action: refuse }, { personal-numbers: 1, direction: out, action: record }]"),
	  "changes light guard g :1: attachments: refuse with 機密 or 重要性Ⅰ; else record with 1 "
	  "or more personal numbers in outward mail; else refuse undecodable or unread; before: none\n" },
	{ "the same in another order",
	  GUARD("domains: a.example, attachments: [{ kinds: [pdf, macro], action: refuse }]"),
	  GUARD("domains: a.example, attachments: [{ kinds: [macro, pdf], action: refuse }]"), "" },
	{ "TLS passes unread", GUARD("domains: a.example"),
	  GUARD("domains: a.example, tls: allow-blind, tls-servers: servers"),
	  "changes heavy guard g :1: tls: allow-blind to servers; before: "
	  "clear-only\n" },
	{ "TLS no more", GUARD("domains: a.example, tls: allow-blind, tls-servers: servers"),
	  GUARD("domains: a.example"),
	  "changes normal guard g :1: tls: clear-only; before: allow-blind to "
	  "servers\n" },
	{ "TLS otherwise", GUARD("domains: a.example"), GUARD("domains: a.example, tls: refuse"),
	  "changes normal guard g :1: tls: refuse; before: clear-only\n" },
	{ "TLS inspected", GUARD("domains: a.example, mode: proxy"),
	  GUARD("domains: a.example, mode: proxy, tls: inspect, certificate: c"),
	  "changes normal guard g :1: tls: inspect as c, at least 1.2; before: clear-only\n" },
	{ "TLS demanded", GUARD("domains: a.example, mode: proxy, tls: inspect, certificate: c"),
	  GUARD("domains: a.example, mode: proxy, tls: inspect, certificate: c, tls-required: true"),
	  "changes normal guard g :1: tls: inspect as c, at least 1.2, required; before: inspect as "
	  "c, at least 1.2\n" },
	{ "a server need not prove who it is any more",
	  GUARD("domains: a.example, mode: proxy, tls: inspect, certificate: c, tls-verify: [{ servers: servers, name: S.example }]"),
	  GUARD("domains: a.example, mode: proxy, tls: inspect, certificate: c"),
	  "changes heavy guard g :1: tls: inspect as c, at least 1.2; before: inspect as c, at least "
	  "1.2; servers only as s.example\n" },
	{ "a limit less", GUARD("domains: a.example"),
	  GUARD("domains: a.example, limits: { recipients: 0 }"),
	  "changes normal guard g :1: limits: 20 invalid recipients, 100 messages a "
	  "session, 50 sessions at a time; before: 100 recipients, 20 invalid "
	  "recipients, 100 messages a session, 50 sessions at a time\n" },
	{ "a rate more", GUARD("domains: a.example"),
	  GUARD("domains: a.example, limits: { message-rate: 100/h }"),
	  "changes light guard g :1: limits: 100 recipients, 20 invalid recipients, "
	  "100 messages a session, 50 sessions at a time, 100 messages an hour; "
	  "before: 100 recipients, 20 invalid recipients, 100 messages a session, "
	  "50 sessions at a time\n" },
	{ "mass mail stops", GUARD("senders: office"),
	  GUARD("senders: office, mass: [{ by: source, over: 20/h, for: 90s }]"),
	  "changes normal guard g :1: mass: over 20 messages an hour by source: stop source for "
	  "90s; before: none\n" },
	{ "a higher limit", GUARD("senders: office, mass: [{ by: source, over: 20/h }]"),
	  GUARD("senders: office, mass: [{ by: source, over: 1/min }]"),
	  "changes normal guard g :1: mass: over 1 messages a minute by source: stop source for "
	  "1h; before: over 20 messages an hour by source: stop source for 1h\n" },
	{ "another stage",
	  GUARD("senders: office, mass: [{ by: source, over: 20/h, direction: out }]"),
	  GUARD("senders: office, mass: [{ by: source, over: 20/h, direction: out, stops: all, "
		"for: until-resumed }]"),
	  "changes normal guard g :1: mass: over 20 outward messages an hour by source: stop all until "
	  "resumed; before: over 20 outward messages an hour by source: stop source for 1h\n" },
	{ "nothing is looked at", GUARD("limits: { sessions: 9 }"),
	  GUARD("after-greeting: true, limits: { sessions: 9 }"),
	  "changes heavy guard g :1: after-greeting: nothing is looked at; before: none\n" },
	{ "a reason for clear text", GUARD("domains: a.example"),
	  GUARD("domains: a.example, tls-reason: 試験"),
	  "words light guard g :1: tls: clear-only (試験); before: clear-only\n" },
	{ "a guard that no flow has", "guards: { g: { protocol: smtp, domains: a.example } }",
	  "guards: { g: { protocol: smtp, domains: b.example } }",
	  "words light guard g :1: domains: b.example; before: a.example\n" },
	{ "a sender's addresses",
	  "networks: { office/pcs: [10.1.9.0/24] }\n" GUARD("senders: office/pcs"),
	  "networks: { office/pcs: [10.1.8.0/23] }\n" GUARD("senders: office/pcs"),
	  "changes heavy guard g :2: senders: gains 10.1.8.0/24\n" },
	{ "a title of a guard", GUARD("domains: a.example"),
	  GUARD("domains: a.example, title: 検査"),
	  "words light guard g :1: title: 検査; before: none\n" },
	{ "a guard comes with its flow", "", GUARD("domains: a.example"),
	  "opens normal flow f :2: office > servers: smtp (tcp/25)\n"
	  "changes light guard g :1: new: smtp; domains: a.example; senders: nobody; own-sender: "
	  "refuse; size: 20 MB; tls: clear-only; limits: 100 recipients, 20 invalid recipients, 100 "
	  "messages a session, 50 sessions at a time\n" },
	{ "no longer logged",
	  "flows: [{ id: f, from: office, to: servers, services: ssh, log: true }]",
	  "flows: [{ id: f, from: office, to: servers, services: ssh }]",
	  "changes normal flow f :1: office > servers: ssh (tcp/22): no longer logged\n" },
	{ "a log that another flow has as well",
	  "flows:\n  - { id: a, from: office, to: servers, services: ssh, log: true }\n"
	  "  - { id: b, from: office, to: servers, services: any, log: true }",
	  "flows:\n  - { id: a, from: office, to: servers, services: ssh }\n"
	  "  - { id: b, from: office, to: servers, services: any, log: true }",
	  "words light flow a :2: log: no; before: yes\n" },
	{ "a helper", "flows: [{ id: f, from: office, to: servers, services: ftp }]",
	  "flows: [{ id: f, from: office, to: servers, services: ftp, helpers: [ftp] }]",
	  "changes normal flow f :1: office > servers: ftp (tcp/21): helper ftp added\n" },

	// What is not about one flow
	{ "translation",
	  "flows: [{ id: f, from: office, to: internet, services: https }]\n"
	  "nat: [{ id: out, kind: masquerade, from: office, to: internet }]",
	  "flows: [{ id: f, from: office, to: internet, services: https }]",
	  "changes normal translation out :2: removed: masquerade IPv4 from office to internet\n" },
	{ "a forward", "flows: [{ id: f, from: internet, to: servers/files, services: https }]",
	  "flows: [{ id: f, from: internet, to: servers/files, services: https }]\n"
	  "nat: [{ id: in, kind: forward, from: internet, address: 203.0.113.5, services: https, "
	  "target: servers/web }]\nnetworks: { servers/web: 10.3.0.5 }",
	  "changes heavy translation in :2: new: forward IPv4 from internet to servers "
	  "203.0.113.5 tcp/443 becomes 10.3.0.5\n" },
	{ "settings", "settings: { default: drop, log-denied: true, extension-headers: [esp] }",
	  "settings: { default: reject, log-denied: false, extension-headers: [esp, ah] }",
	  "changes heavy setting log-denied: no; before: yes\n"
	  "changes normal setting extension-headers: esp, ah; before: esp\n"
	  "changes light setting default: reject; before: drop\n" },
	{ "an assertion goes", "assertions: [{ id: no-vault, never: { from: wifi, to: vault } }]",
	  "", "changes heavy assertion no-vault :1: removed: never from wifi to vault\n" },
	{ "an assertion comes", "",
	  "assertions: [{ id: no-vault, never: { from: wifi, to: vault, direct: true } }]",
	  "changes light assertion no-vault :1: new: never directly from wifi to vault\n" },
	{ "who must approve", "approval: { approvers: 2, expires: 72h }",
	  "approval: { approvers: 1, expires: 72h, emergency: true }",
	  "changes heavy section approval: approvers: 1, emergency: true; no longer: approvers: 2\n" },
	{ "a section comes", "", "approval: { approvers: 2 }",
	  "changes heavy section approval: approvers: 2\n" },
	{ "registers", "owners: { kikaku: { title: 企画課 } }",
	  "owners: { kikaku: { title: 企画政策課, office: 二階 } }",
	  "words light section owners: title: 企画政策課, office: 二階; no longer: title: 企画課\n" },
	{ "a zone comes with its flow", "",
	  "zones: { cams: { interfaces: [g], networks: [10.9.0.0/24], class: III } }\n"
	  "flows: [{ id: f, from: cams, to: servers, services: ntp }]",
	  "opens normal flow f :2: cams > servers: ntp (udp/123)\n"
	  "changes heavy zone cams :1: new zone\n" },
	{ "a zone's networks and class",
	  "zones: { cams: { interfaces: [g], networks: [10.9.0.0/24, 10.8.0.0/24], class: III } }\n"
	  "flows: [{ id: f, from: cams, to: servers, services: ntp }]",
	  "zones: { cams: { interfaces: [g, h*], networks: [10.9.0.0/23], class: I } }\n"
	  "flows: [{ id: f, from: cams, to: servers, services: ntp }]",
	  "opens heavy flow f :2: 10.9.1.0/24 in cams > servers: ntp (udp/123)\n"
	  "closes light flow f :2: 10.8.0.0/24 in cams > servers: ntp (udp/123)\n"
	  "changes heavy zone cams :1: class: I; before: III\n"
	  "changes heavy zone cams :1: interfaces: g, h*; before: g\n"
	  "changes heavy zone cams :1: networks: gains 10.9.1.0/24; loses 10.8.0.0/24\n" },
	{ "a zone that takes addresses from the Internet",
	  "flows: [{ id: f, from: office, to: internet, services: https }]",
	  "zones: { cams: { interfaces: [g], networks: [198.51.100.0/24] } }\n"
	  "flows: [{ id: f, from: office, to: internet, services: https }]",
	  "closes light flow f :1: office > 198.51.100.0/24 in internet: https (tcp/443)\n"
	  "changes heavy zone cams :1: new zone\n" },
};

static struct plan *plan_of(const char *text, struct diag *diag)
{
	const struct policy_source sources[] = {
		{ "common.yaml", common, strlen(common) },
		{ "own.yaml", text, strlen(text) },
	};
	struct pol_policy *policy = NULL;
	struct plan *plan = NULL;

	if (policy_read_sources(sources, 2, "", diag, &policy, NULL) < 0 ||
	    plan_make(policy, diag, &plan, NULL) < 0) {
		diag_print(diag, stderr);
		fail_msg("not a policy: %s", text);
	}
	policy_free(policy);
	return plan;
}

static void row_text(const struct diff_row *row, char *out, size_t size)
{
	size_t n = (size_t)snprintf(out, size, "%s %s %s", diff_kind_word(row->kind),
				    diff_weight_word(row->weight), row->subject);

	if (row->at.line)
		n += (size_t)snprintf(out + n, size - n, " :%u", row->at.line);
	if (*row->owner)
		n += (size_t)snprintf(out + n, size - n, " %s", row->owner);
	if (row->from)
		n += (size_t)snprintf(out + n, size - n, ": %s > %s: %s", row->from_text,
				      row->to_text, row->services_text);
	if (*row->what)
		n += (size_t)snprintf(out + n, size - n, ": %s", row->what);
	snprintf(out + n, size - n, "\n");
}

static void try_change(void **state)
{
	const struct change *change = *state;
	struct diag *diag = diag_new();
	struct plan *before = plan_of(change->before, diag), *after = plan_of(change->after, diag);
	struct plan_diff diff;
	char text[TEXT_SIZE] = "";

	plan_diff(before, after, &diff);
	for (size_t i = 0; i < diff.n; i++) {
		assert_true(*diff.rows[i].reason);
		row_text(&diff.rows[i], text + strlen(text), sizeof(text) - strlen(text));
	}
	assert_string_equal(text, change->rows);
	assert_int_equal(diff.n, diff.counts[0] + diff.counts[1] + diff.counts[2] + diff.counts[3]);
	plan_diff_done(&diff);
	plan_free(before);
	plan_free(after);
	diag_free(diag);
}

// More parts of one flow than rows are given: the last one says how many more.
static void too_many_parts(void **state)
{
	char text[TEXT_SIZE] = "flows:\n  - { id: f, from: office, to: servers, services: [ssh";
	struct diag *diag = diag_new();
	struct plan *before, *after;
	struct plan_diff diff;
	size_t n = strlen(text);

	(void)state;
	for (unsigned i = 0; i < 2 * DIFF_PARTS_MAX; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, ", tcp/%u", 1000 + 2 * i);
	n += (size_t)snprintf(text + n, sizeof(text) - n, "], except: [");
	for (unsigned i = 0; i < DIFF_PARTS_MAX + 5; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n,
				      "%s{ from: office/n%u, services: tcp/%u }", i ? ", " : "", i,
				      1000 + 2 * i);
	n += (size_t)snprintf(text + n, sizeof(text) - n, "] }\nnetworks:\n");
	for (unsigned i = 0; i < DIFF_PARTS_MAX + 5; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "  office/n%u: 10.1.%u.1\n", i,
				      i);
	before = plan_of("", diag);
	after = plan_of(text, diag);
	plan_diff(before, after, &diff);
	assert_true(diff.n <= DIFF_PARTS_MAX);
	assert_int_equal(diff.weight, DIFF_HEAVY);
	n = 0;
	for (size_t i = 0; i < diff.n; i++)
		n += diff.rows[i].more;
	assert_true(n > 0);
	plan_diff_done(&diff);
	plan_free(before);
	plan_free(after);
	diag_free(diag);
}

// Work runs out: the whole of a flow stands for its unknown part, and says so.
static void too_much_work(void **state)
{
	struct diag *diag = diag_new();
	struct plan *before = plan_of(
		"flows: [{ id: f, from: office, to: servers, services: [ssh, smtp] }]", diag);
	struct plan *after = plan_of("flows: [{ id: f, from: office, to: servers, services: [ssh, "
				     "http], log: true }]",
				     diag);
	struct plan_diff diff;
	char text[TEXT_SIZE] = "";

	(void)state;
	plan_diff_within(before, after, 0, &diff);
	for (size_t i = 0; i < diff.n; i++) {
		assert_int_equal(diff.rows[i].inexact, diff.rows[i].kind != DIFF_CHANGES);
		row_text(&diff.rows[i], text + strlen(text), sizeof(text) - strlen(text));
	}
	assert_string_equal(
		text, "opens normal flow f :1: office > servers: http (tcp/80), ssh (tcp/22): at "
		      "most this: too many parts to tell what was open before\n"
		      "closes light flow f :1: office > servers: smtp (tcp/25), ssh (tcp/22): at "
		      "most this: too many parts to tell what stays open\n"
		      "changes heavy treatment from office to servers: guards, logs or helpers may "
		      "have changed in more parts than can be compared\n");
	plan_diff_done(&diff);
	plan_free(before);
	plan_free(after);
	diag_free(diag);
}

int main(void)
{
	enum { N = sizeof(changes) / sizeof(changes[0]) };
	struct CMUnitTest tests[N + 2];

	for (size_t i = 0; i < N; i++)
		tests[i] = (struct CMUnitTest){ changes[i].name, try_change, NULL, NULL,
						(void *)(uintptr_t)&changes[i] };
	tests[N] = (struct CMUnitTest)cmocka_unit_test(too_many_parts);
	tests[N + 1] = (struct CMUnitTest)cmocka_unit_test(too_much_work);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
