// The box file: its table, and plain values with defaults from what was read.
#include "policy/box.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/addr.h"
#include "base/arena.h"
#include "policy/keys.h"
#include "policy/policy.h"
#include "policy/reader.h"

struct box_management_keys {
	struct place at;
	struct pol_text interface, prefix;
	struct pol_uint port;
};

struct box_countries_keys {
	struct place at;
	struct pol_text database;
	struct pol_uint max_age_days;
};

struct box_scanner_keys {
	struct place at;
	struct pol_text clamd, icap;
	struct pol_uint max_age_days;
};

struct box_certificate_keys {
	struct place at;
	struct pol_text id, chain, key;
};

struct box_keys {
	struct pol_text title, rules, state, run, log, user;
	struct pol_bool forwarding;
	struct box_management_keys management;
	struct pol_uint nflog_group;
	struct box_countries_keys countries;
	struct box_scanner_keys scanner;
	struct box_certificate_keys *certificates;
	size_t n_certificates;
	struct pol_text roots;
	struct pol_uint inspectors;
};

struct box {
	struct box_config config; // first: a pointer to it is a pointer to the box
	struct arena *arena;
	struct box_keys keys;
};

enum { SCANNER_TEXT_MAX = 256 };

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

#define AT(field) offsetof(struct box_management_keys, field)
static const struct key management_keys[] = {
	{ .name = "interface",
	  .kind = KEY_TEXT,
	  .word = WORD_NAME,
	  .offset = AT(interface),
	  .required = true,
	  .about = "Interface that administrators come in by.",
	  .example = "eth0" },
	{ .name = "prefix",
	  .kind = KEY_TEXT,
	  .word = WORD_NAME,
	  .offset = AT(prefix),
	  .required = true,
	  .about = "Address or prefix that they come from.",
	  .example = "10.20.1.0/24" },
	{ .name = "port",
	  .kind = KEY_UINT,
	  .offset = AT(port),
	  .min = 1,
	  .max = 65535,
	  .about = "TCP port that they come to. Default: 22.",
	  .example = "22" },
};
static const struct key_table management_table = {
	.noun = "management",
	.about = "The way in that stays open when the box is isolated.",
	.keys = management_keys,
	.n_keys = COUNT(management_keys),
	.size = sizeof(struct box_management_keys),
	.has_at = true,
};
#undef AT

#define AT(field) offsetof(struct box_countries_keys, field)
static const struct key countries_keys[] = {
	{ .name = "database",
	  .kind = KEY_TEXT,
	  .word = WORD_PATH,
	  .offset = AT(database),
	  .about =
		  "File in MaxMind DB format, of any maker. A new one, renamed into its place, is noticed "
		  "and used. Default: /etc/sekisho/countries.mmdb.",
	  .example = "/etc/sekisho/countries.mmdb" },
	{ .name = "max-age-days",
	  .kind = KEY_UINT,
	  .offset = AT(max_age_days),
	  .min = 1,
	  .max = 3650,
	  .about = "How old a database may be that a policy is applied with. Default: 60.",
	  .example = "60" },
};
static const struct key_table countries_table = {
	.noun = "countries",
	.about = "Which addresses are a country's.",
	.keys = countries_keys,
	.n_keys = COUNT(countries_keys),
	.size = sizeof(struct box_countries_keys),
	.has_at = true,
};
#undef AT

#define AT(field) offsetof(struct box_scanner_keys, field)
static const struct key scanner_keys[] = {
	{ .name = "clamd",
	  .kind = KEY_TEXT,
	  .word = WORD_NAME,
	  .offset = AT(clamd),
	  .about =
		  "Where clamd(8) listens: the path of its socket, or an address and port, "
		  "127.0.0.1:3310 or \"[::1]:3310\". The unit lets the daemon make local sockets only; "
		  "for an address it needs a drop-in with RestrictAddressFamilies=AF_INET AF_INET6 and "
		  "IPAddressAllow= of that address.",
	  .example = "/run/clamav/clamd.ctl" },
	{ .name = "icap",
	  .kind = KEY_TEXT,
	  .word = WORD_NAME,
	  .offset = AT(icap),
	  .about =
		  "In place of clamd: the service of another scanner, by ICAP (RFC 3507), with an "
		  "address and not a name. Messages are put to it by RESPMOD; it has to answer 204 "
		  "to what it lets be. The unit needs the same drop-in.",
	  .example = "icap://127.0.0.1:1344/avscan" },
	{ .name = "max-age-days",
	  .kind = KEY_UINT,
	  .offset = AT(max_age_days),
	  .max = 3650,
	  .about = "How old its definitions may be before the status tells of it. 0: that is not "
		   "looked at, as with definitions of one's own, which have no date. Default: 3. "
		   "Not with icap, which does not tell.",
	  .example = "3" },
};
static const struct key_table scanner_table = {
	.noun = "scanner",
	.about = "Who looks for malware in mail.",
	.keys = scanner_keys,
	.n_keys = COUNT(scanner_keys),
	.size = sizeof(struct box_scanner_keys),
	.has_at = true,
};
#undef AT

#define AT(field) offsetof(struct box_certificate_keys, field)
static const struct key certificate_keys[] = {
	{ .name = "id",
	  .kind = KEY_TEXT,
	  .word = WORD_ID,
	  .offset = AT(id),
	  .required = true,
	  .about = "Its name in guards.",
	  .example = "mail" },
	{ .name = "chain",
	  .kind = KEY_TEXT,
	  .word = WORD_PATH,
	  .offset = AT(chain),
	  .required = true,
	  .about = "File in PEM: the certificate, then those that lead from it to a root.",
	  .example = "/etc/sekisho/tls/mail.pem" },
	{ .name = "key",
	  .kind = KEY_TEXT,
	  .word = WORD_PATH,
	  .offset = AT(key),
	  .required = true,
	  .about = "File in PEM: its private key, without a password; root's, and of mode 0600 or "
		   "0400. RSA of 2048 to 4096 bits, or ECDSA on P-256 or P-384.",
	  .example = "/etc/sekisho/tls/mail.key" },
};
static const struct key_table certificate_table = {
	.noun = "certificate",
	.about = "A certificate of the body's, which clients see.",
	.keys = certificate_keys,
	.n_keys = COUNT(certificate_keys),
	.size = sizeof(struct box_certificate_keys),
	.has_at = true,
	.id = "id",
};
#undef AT

#define AT(field) offsetof(struct box_keys, field)
static const struct key box_keys[] = {
	{ .name = "title",
	  .kind = KEY_TEXT,
	  .offset = AT(title),
	  .about = "Name of the box for people.",
	  .example = "本庁舎 境界装置1号機" },
	{ .name = "rules",
	  .kind = KEY_TEXT,
	  .word = WORD_PATH,
	  .offset = AT(rules),
	  .about = "Folder of the policy. Default: /etc/sekisho/rules.",
	  .example = "/etc/sekisho/rules" },
	{ .name = "state",
	  .kind = KEY_TEXT,
	  .word = WORD_PATH,
	  .offset = AT(state),
	  .about = "Folder of generations and counters. Default: /var/lib/sekisho.",
	  .example = "/var/lib/sekisho" },
	{ .name = "run",
	  .kind = KEY_TEXT,
	  .word = WORD_PATH,
	  .offset = AT(run),
	  .about = "Folder of the control socket. Default: /run/sekisho.",
	  .example = "/run/sekisho" },
	{ .name = "log",
	  .kind = KEY_TEXT,
	  .word = WORD_PATH,
	  .offset = AT(log),
	  .about = "Folder of the audit log. Default: /var/log/sekisho.",
	  .example = "/var/log/sekisho" },
	{ .name = "user",
	  .kind = KEY_TEXT,
	  .word = WORD_NAME,
	  .offset = AT(user),
	  .about = "User without rights that policies are read as. Default: sekisho.",
	  .example = "sekisho" },
	{ .name = "forwarding",
	  .kind = KEY_BOOL,
	  .offset = AT(forwarding),
	  .about = "Whether the daemon turns IP forwarding on when the gate opens. Default: true.",
	  .example = "true" },
	{ .name = "management",
	  .kind = KEY_MAP,
	  .offset = AT(management),
	  .table = &management_table,
	  .about = "The way in that stays open when the box is isolated. Default: none.",
	  .example = "{ interface: eth0, prefix: 10.20.1.0/24 }" },
	{ .name = "nflog-group",
	  .kind = KEY_UINT,
	  .offset = AT(nflog_group),
	  .max = 65535,
	  .about = "Group of the kernel's packet log. Default: 5.",
	  .example = "5" },
	{ .name = "countries",
	  .kind = KEY_MAP,
	  .offset = AT(countries),
	  .table = &countries_table,
	  .about =
		  "The database that says which addresses are a country's; only for policies that name "
		  "countries.",
	  .example = "{ database: /etc/sekisho/countries.mmdb, max-age-days: 60 }" },
	{ .name = "scanner",
	  .kind = KEY_MAP,
	  .offset = AT(scanner),
	  .table = &scanner_table,
	  .about =
		  "Who looks for malware in mail that has a guard with malware. Default: nobody, and "
		  "such mail does not pass.",
	  .example = "{ clamd: /run/clamav/clamd.ctl, max-age-days: 3 }" },
	{ .name = "certificates",
	  .kind = KEY_ENTRIES,
	  .offset = AT(certificates),
	  .offset_n = AT(n_certificates),
	  .table = &certificate_table,
	  .about =
		  "Certificates that guards with tls: inspect show to clients, at most 8. The keys are "
		  "read by a process of their own, which signs and does nothing else. New files, renamed "
		  "into their places, are noticed and used. Default: none.",
	  .example =
		  "{ mail: { chain: /etc/sekisho/tls/mail.pem, key: /etc/sekisho/tls/mail.key } }" },
	{ .name = "tls-roots",
	  .kind = KEY_TEXT,
	  .word = WORD_PATH,
	  .offset = AT(roots),
	  .about =
		  "File in PEM of the certificates that servers named in a guard's tls-verify have to "
		  "lead to. Default: /etc/ssl/certs/ca-certificates.crt.",
	  .example = "/etc/ssl/certs/ca-certificates.crt" },
	{ .name = "inspectors",
	  .kind = KEY_UINT,
	  .offset = AT(inspectors),
	  .min = 1,
	  .max = BOX_INSPECTORS_MAX,
	  .about =
		  "How many processes inspect what has a guard, each on a processor of its own at best. A "
		  "connection stays with one. Default: 1.",
	  .example = "1" },
};
#undef AT
const struct key_table keys_box = {
	.noun = "box file",
	.about = "What the box is; traffic is the policy's.",
	.keys = box_keys,
	.n_keys = COUNT(box_keys),
	.size = sizeof(struct box_keys),
};

static void drop(struct box *box)
{
	reader_release(&keys_box, &box->keys);
	arena_free(box->arena);
}

void box_free(struct box_config *config)
{
	if (config)
		drop((struct box *)(void *)config);
}

static const char *text_or(const struct pol_text *text, const char *otherwise)
{
	return text->s ? text->s : otherwise;
}

static void fill(struct box *box)
{
	const struct box_keys *keys = &box->keys;
	const struct box_management_keys *management = &keys->management;

	box->config = (struct box_config){
		.title = keys->title.s,
		.rules = text_or(&keys->rules, "/etc/sekisho/rules"),
		.state = text_or(&keys->state, "/var/lib/sekisho"),
		.run = text_or(&keys->run, "/run/sekisho"),
		.log = text_or(&keys->log, "/var/log/sekisho"),
		.user = text_or(&keys->user, "sekisho"),
		.forwarding = keys->forwarding.set ? keys->forwarding.value : true,
		.inspectors = keys->inspectors.set ? (unsigned)keys->inspectors.value : 1,
		.nflog_group = (uint16_t)(keys->nflog_group.set ? keys->nflog_group.value : 5),
		.countries = {
			.database = text_or(&keys->countries.database, BOX_COUNTRIES_PATH),
			.max_age_days = keys->countries.max_age_days.set
						? (unsigned)keys->countries.max_age_days.value
						: BOX_COUNTRIES_AGE_DAYS,
		},
		.scanner = {
			.clamd = keys->scanner.clamd.s,
			.icap = keys->scanner.icap.s,
			.max_age_days = keys->scanner.icap.s ? 0
					: keys->scanner.max_age_days.set
						? (unsigned)keys->scanner.max_age_days.value
						: BOX_SCANNER_AGE_DAYS,
		},
	};
	for (size_t i = 0; i < keys->n_certificates && i < BOX_CERTIFICATES_MAX; i++)
		box->config.certificates[i] = (struct box_certificate){
			.name = keys->certificates[i].id.s,
			.chain = keys->certificates[i].chain.s,
			.key = keys->certificates[i].key.s,
		};
	box->config.n_certificates = keys->n_certificates;
	box->config.roots = text_or(&keys->roots, BOX_ROOTS_PATH);
	if (management->at.file)
		box->config.management = (struct box_management){
			.interface = management->interface.s,
			.prefix = management->prefix.s,
			.port = (uint16_t)(management->port.set ? management->port.value : 22),
			.at = management->at,
		};
}

// An address or prefix, and an interface name that the kernel can have.
static void check_management(const struct box_management_keys *management, struct diag *diag)
{
	enum { INTERFACE_BYTES_MAX = 15 };
	struct addr_range range;

	if (management->prefix.s &&
	    (addr_range_parse(management->prefix.s, &range) < 0 || addr_range_prefix(&range) < 0))
		diag_add(diag, SK_WORD_BAD, management->prefix.at,
			 "prefix: \"%.64s\" is no address or prefix; write it as 10.20.1.0/24",
			 management->prefix.s);
	if (management->interface.s && (strlen(management->interface.s) > INTERFACE_BYTES_MAX ||
					strpbrk(management->interface.s, "/*")))
		diag_add(diag, SK_WORD_BAD, management->interface.at,
			 "interface: \"%.64s\" cannot be an interface's name",
			 management->interface.s);
}

static bool address_of(const char *text, struct box_scanner_address *ret)
{
	const char *colon = strrchr(text, ':');
	char host[INET6_ADDRSTRLEN + 2];
	size_t n = colon ? (size_t)(colon - text) : 0;
	unsigned long port = 0;

	memset(ret, 0, sizeof(*ret));
	if (text[0] == '/') {
		ret->local.sun_family = AF_UNIX;
		ret->size = sizeof(ret->local);
		if (strlen(text) >= sizeof(ret->local.sun_path))
			return false;
		memcpy(ret->local.sun_path, text, strlen(text));
		return true;
	}
	if (!n || n >= sizeof(host) || strspn(colon + 1, "0123456789") != strlen(colon + 1) ||
	    !colon[1] || strlen(colon + 1) > 5 || (port = strtoul(colon + 1, NULL, 10)) == 0 ||
	    port > 65535)
		return false;
	memcpy(host, text, n);
	host[n] = '\0';
	if (host[0] == '[' && host[n - 1] == ']') {
		host[n - 1] = '\0';
		ret->v6.sin6_family = AF_INET6;
		ret->v6.sin6_port = htons((uint16_t)port);
		ret->size = sizeof(ret->v6);
		return inet_pton(AF_INET6, host + 1, &ret->v6.sin6_addr) == 1;
	}
	ret->v4.sin_family = AF_INET;
	ret->v4.sin_port = htons((uint16_t)port);
	ret->size = sizeof(ret->v4);
	return inet_pton(AF_INET, host, &ret->v4.sin_addr) == 1;
}

static bool address_of_icap(const struct box_scanner *scanner, struct box_scanner_address *ret)
{
	char text[SCANNER_TEXT_MAX], *slash;
	const char *host = scanner->icap + strlen("icap://");
	bool port;

	if (strncmp(scanner->icap, "icap://", strlen("icap://")) != 0 ||
	    strlen(host) >= sizeof(text) - sizeof(":1344"))
		return false;
	snprintf(text, sizeof(text), "%s", host);
	slash = strchr(text, '/');
	if (!slash || !slash[1])
		return false;
	for (const char *c = slash; *c; c++)
		if (*c <= ' ' || *c > '~')
			return false;
	*slash = '\0';
	port = *text == '[' ? strstr(text, "]:") : strchr(text, ':');
	if (!port)
		strcat(text, ":1344");
	return *text != '/' && address_of(text, ret);
}

bool box_scanner_address(const struct box_scanner *scanner, struct box_scanner_address *ret)
{
	if (scanner->icap)
		return address_of_icap(scanner, ret);
	return scanner->clamd && address_of(scanner->clamd, ret);
}

static void check_scanner(const struct box_scanner_keys *scanner, struct diag *diag)
{
	const struct box_scanner given = { .clamd = scanner->clamd.s, .icap = scanner->icap.s };
	struct box_scanner_address address;

	if (!scanner->at.file)
		return;
	if (!scanner->clamd.s == !scanner->icap.s)
		diag_add(diag, SK_WORD_BAD, scanner->at,
			 "scanner: name one of clamd and icap, not %s",
			 scanner->clamd.s ? "both" : "neither");
	else if (scanner->clamd.s && !box_scanner_address(&given, &address))
		diag_add(
			diag, SK_WORD_BAD, scanner->clamd.at,
			"clamd: \"%.128s\" is neither the path of a socket nor an address and port; "
			"write it as /run/clamav/clamd.ctl, 127.0.0.1:3310 or \"[::1]:3310\"",
			scanner->clamd.s);
	else if (scanner->icap.s && !box_scanner_address(&given, &address))
		diag_add(diag, SK_WORD_BAD, scanner->icap.at,
			 "icap: \"%.128s\" names no service at an address; write it as "
			 "icap://127.0.0.1:1344/avscan",
			 scanner->icap.s);
	if (scanner->icap.s && scanner->max_age_days.set && scanner->max_age_days.value)
		diag_add(diag, SK_WORD_BAD, scanner->max_age_days.at,
			 "max-age-days: by ICAP a scanner does not tell how old its definitions "
			 "are; watch that where it runs, and leave this out");
}

static void check_certificates(const struct box_keys *keys, struct diag *diag)
{
	if (keys->n_certificates > BOX_CERTIFICATES_MAX)
		diag_add(diag, SK_WORD_BAD, keys->certificates[BOX_CERTIFICATES_MAX].at,
			 "certificates: at most %d", BOX_CERTIFICATES_MAX);
}

int box_read_text(const char *name, const char *bytes, size_t size, struct diag *diag,
		  struct box_config **ret_config)
{
	struct arena *arena = arena_new();
	struct box *box = arena_new_of(arena, struct box);
	size_t errors = diag_errors(diag);
	struct reader *reader;

	box->arena = arena;
	reader = reader_new(&keys_box, &box->keys, arena, diag);
	reader_file(reader, arena_strdup(arena, name), bytes, size);
	reader_free(reader);
	check_management(&box->keys.management, diag);
	check_scanner(&box->keys.scanner, diag);
	check_certificates(&box->keys, diag);
	if (diag_errors(diag) > errors) {
		drop(box);
		return -EBADMSG;
	}
	fill(box);
	*ret_config = &box->config;
	return 0;
}

// At most one byte more than the limit, so that the reader can tell.
static int read_bytes(int fd, char **ret_bytes, size_t *ret_size)
{
	char *bytes = malloc(BOX_FILE_BYTES_MAX + 1);
	size_t n = 0;

	if (!bytes)
		return -ENOMEM;
	while (n <= BOX_FILE_BYTES_MAX) {
		ssize_t got = read(fd, bytes + n, BOX_FILE_BYTES_MAX + 1 - n);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0) {
			int r = -errno;

			free(bytes);
			return r;
		}
		if (got == 0)
			break;
		n += (size_t)got;
	}
	*ret_bytes = bytes;
	*ret_size = n;
	return 0;
}

int box_read(const char *path, struct diag *diag, struct box_config **ret_config)
{
	struct place at = { .file = path };
	struct stat st;
	char *bytes = NULL;
	size_t size = 0;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	int r = fd < 0 ? -errno : 0;

	if (r == 0 && fstat(fd, &st) == 0 && !S_ISREG(st.st_mode)) {
		diag_add(diag, SK_FILE_SPECIAL, at, "this is no file but a folder or device");
		close(fd);
		return -EBADMSG;
	}
	if (r == 0)
		r = read_bytes(fd, &bytes, &size);
	if (fd >= 0)
		close(fd);
	if (r < 0) {
		diag_add(diag, SK_FILE_UNREADABLE, at, "the file cannot be read: %s", strerror(-r));
		return r;
	}
	if (size > BOX_FILE_BYTES_MAX) {
		diag_add(diag, SK_FILE_TOO_BIG, at, "the file is too big; at most %d MB are read",
			 BOX_FILE_BYTES_MAX >> 20);
		r = -EBADMSG;
	} else {
		r = box_read_text(path, bytes, size, diag, ret_config);
	}
	free(bytes);
	return r;
}
