// ICAP (RFC 3507), as far as a scanner is asked by it: a message is put to the service as the
// answer to a request (RESPMOD), and what it says of it is in the head of its reply.  Pure: no
// socket, no clock.
//
// A service is named by a URL, icap://127.0.0.1:1344/avscan.  It has to answer 204 to what it lets
// be (4.6): anything else that is fine is a message that it changed, and counts as infected.
#ifndef SEKISHO_INSPECT_ICAP_H
#define SEKISHO_INSPECT_ICAP_H

#include "inspect/scan.h"

enum { ICAP_NAME_MAX = 96, ICAP_PORT = 1344 };

struct icap_url {
	char host[64];			// an address, without brackets
	char authority[80];		// as it goes into the request: "[::1]:1344"
	char service[SCAN_SERVICE_MAX]; // "/avscan"
	uint16_t port;
	bool v6; // host has brackets
};
// False: it is no such URL.
bool icap_url_read(const char *text, struct icap_url *ret);

// As scan_words.read: the head, up to its empty line.
void icap_reply_read(struct scan_reply *reply, const uint8_t *bytes, size_t n);

// The question who the service is (OPTIONS), and its answer.
size_t icap_options(const char *service, uint8_t out[SCAN_OPEN_MAX]);
// NULL with *name ("C-ICAP/0.5.10, Antivirus service", printable ASCII), or why it cannot be used.
const char *icap_options_read(const struct scan_reply *reply, char name[ICAP_NAME_MAX]);

#endif
