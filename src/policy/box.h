// The box's own file, /etc/sekisho/sekisho.yaml: where things lie and who may manage.  It says
// nothing about traffic; that is the policy's.  Read with the policy's reader, by its own table.
#ifndef SEKISHO_POLICY_BOX_H
#define SEKISHO_POLICY_BOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <netinet/in.h>

#include "base/diag.h"
#include "base/place.h"

#define BOX_PATH	   "/etc/sekisho/sekisho.yaml"
#define BOX_COUNTRIES_PATH "/etc/sekisho/countries.mmdb" // unless the file says otherwise
#define BOX_ROOTS_PATH	   "/etc/ssl/certs/ca-certificates.crt"

enum {
	BOX_FILE_BYTES_MAX = 1024 * 1024,
	BOX_COUNTRIES_AGE_DAYS = 60,
	BOX_SCANNER_AGE_DAYS = 3,
	BOX_INSPECTORS_MAX = 8,
	BOX_CERTIFICATES_MAX = 8,
};

// The one way in that stays open when everything is cut off.
struct box_management {
	const char *interface; // NULL: there is none
	const char *prefix;    // where administrators come from: an address or prefix
	uint16_t port;	       // TCP
	struct place at;
};

// Which addresses are a country's.
struct box_countries {
	const char *database;  // file in MaxMind DB format
	unsigned max_age_days; // since it was made
};

// Who looks for malware in mail.
struct box_scanner {
	const char *clamd;     // its socket, or its address and port
	const char *icap;      // or: a service; both NULL: nobody
	unsigned max_age_days; // of its definitions; 0: not looked at
};

// One of the body's certificates, for guards with tls: inspect.
struct box_certificate {
	const char *name;
	const char *chain, *key; // files in PEM; the key is root's alone
};

struct box_config {
	const char *title; // NULL: none
	const char *rules; // folder of the policy
	const char *state; // folder of generations
	const char *run;   // folder of the control socket
	const char *log;   // folder of the audit log
	const char *user;  // that the compiler child becomes
	bool forwarding;   // the daemon turns IP forwarding on when the gate opens
	struct box_management management;
	uint16_t nflog_group;
	struct box_countries countries;
	struct box_scanner scanner;
	struct box_certificate certificates[BOX_CERTIFICATES_MAX];
	size_t n_certificates;
	const char *roots;   // file in PEM, that servers with a name are held to
	unsigned inspectors; // processes that inspect
};

// 0 with *ret_config set; -EBADMSG when diag has errors; another negative errno when the file
// cannot be read (diag says so too).
int box_read(const char *path, struct diag *diag, struct box_config **ret_config);
// The same from memory; name is what places begin with.
int box_read_text(const char *name, const char *bytes, size_t size, struct diag *diag,
		  struct box_config **ret_config);
// Where a scanner listens: "/run/clamav/clamd.ctl", "127.0.0.1:3310" or "[::1]:3310"; of ICAP what
// stands between "icap://" and the next "/".  False: none of these.
struct box_scanner_address {
	union {
		struct sockaddr any;
		struct sockaddr_un local;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	};
	socklen_t size;
};
bool box_scanner_address(const struct box_scanner *scanner, struct box_scanner_address *ret);

void box_free(struct box_config *config);

// The key-by-key part of sekisho.yaml(5) in mdoc, and the JSON Schema.
void box_print_manual(FILE *out);
void box_print_schema(FILE *out);

#endif
