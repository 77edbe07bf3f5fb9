#include "proto/smtp_path.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "base/addr.h"
#include "base/text.h"

struct span {
	const uint8_t *at;
	size_t n;
};

static bool is_atom(uint8_t byte)
{
	return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
	       (byte >= '0' && byte <= '9') || byte >= 0x80 ||
	       (byte && strchr("!#$%&'*+-/=?^_`{|}~", byte));
}

static void skip(struct span *rest, size_t n)
{
	rest->at += n;
	rest->n -= n;
}

// "@a,@b:": each a domain.
static int read_route(struct span *rest, bool utf8, struct smtp_path *path)
{
	char domain[SMTP_DOMAIN_MAX + 1];
	while (rest->n && rest->at[0] == '@') {
		size_t n = 1;
		while (n < rest->n && rest->at[n] != ',' && rest->at[n] != ':' &&
		       rest->at[n] != '>')
			n++;
		if (n == rest->n || rest->at[n] == '>')
			return -EINVAL;
		int r = smtp_domain_read(rest->at + 1, n - 1, utf8, domain);
		if (r < 0)
			return r;
		bool last = rest->at[n] == ':';
		skip(rest, n + 1);
		if (last) {
			path->flags |= SMTP_PATH_ROUTE;
			return 0;
		}
	}
	return -EINVAL;
}

static int read_quoted(struct span *rest, struct smtp_path *path)
{
	size_t n = 0, i = 1;
	for (; i < rest->n && rest->at[i] != '"'; i++) {
		if (rest->at[i] == '\\' && ++i == rest->n)
			return -EINVAL;
		uint8_t byte = rest->at[i];
		if (byte < ' ' || byte == 0x7f || n == SMTP_LOCAL_MAX)
			return -EINVAL;
		if (strchr("@%!:,<>()[]\\\";", byte))
			path->flags |= SMTP_PATH_QUOTED;
		path->local[n++] = (char)byte;
	}
	if (i == rest->n)
		return -EINVAL;
	path->local[n] = '\0';
	skip(rest, i + 1);
	return 0;
}

// Up to the last "@" before ">".
static int read_unquoted(struct span *rest, struct smtp_path *path)
{
	size_t end = 0, local = SIZE_MAX;
	while (end < rest->n && rest->at[end] != '>')
		end++;
	for (size_t i = end; i-- && local == SIZE_MAX;)
		if (rest->at[i] == '@')
			local = i;
	if (local == SIZE_MAX)
		local = end;
	if (!local || local > SMTP_LOCAL_MAX)
		return -EINVAL;
	for (size_t i = 0; i < local; i++) {
		uint8_t byte = rest->at[i];
		if (byte == '@')
			path->flags |= SMTP_PATH_DOUBLE_AT;
		else if (byte != '.' && !is_atom(byte))
			return -EINVAL;
		if (byte == '%')
			path->flags |= SMTP_PATH_PERCENT;
		if (byte == '!')
			path->flags |= SMTP_PATH_BANG;
	}
	memcpy(path->local, rest->at, local);
	path->local[local] = '\0';
	skip(rest, local);
	return 0;
}

// "[192.0.2.1]", "[IPv6:fd00::1]".
static int read_literal(const uint8_t *bytes, size_t n, struct smtp_path *path)
{
	char text[64];
	struct addr addr;
	if (n < 3 || n - 2 >= sizeof(text) || bytes[n - 1] != ']')
		return -EINVAL;
	memcpy(text, bytes + 1, n - 2);
	text[n - 2] = '\0';
	bool v6 = strncasecmp(text, "ipv6:", 5) == 0;
	if (strlen(text) != n - 2 || addr_parse(v6 ? text + 5 : text, &addr) < 0 ||
	    (addr.family == ADDR_V6) != v6)
		return -EINVAL;
	for (size_t i = 0; i < n; i++)
		path->domain[i] =
			(char)(bytes[i] >= 'A' && bytes[i] <= 'Z' ? bytes[i] | 0x20 : bytes[i]);
	path->domain[n] = '\0';
	path->kind = SMTP_PATH_LITERAL;
	return 0;
}

static int read_domain(struct span *rest, bool utf8, struct smtp_path *path)
{
	size_t n = 0;
	while (n < rest->n && rest->at[n] != '>')
		n++;
	path->kind = SMTP_PATH_MAILBOX;
	int r = n && rest->at[0] == '[' ? read_literal(rest->at, n, path)
					: smtp_domain_read(rest->at, n, utf8, path->domain);
	skip(rest, n);
	return r;
}

static int read_mailbox(struct span *rest, bool utf8, struct smtp_path *path)
{
	const uint8_t *begin = rest->at;
	size_t bad;
	int r = rest->n && rest->at[0] == '"' ? read_quoted(rest, path) : read_unquoted(rest, path);
	if (r < 0)
		return r;
	for (const char *at = path->local; *at; at++)
		if ((uint8_t)*at >= 0x80)
			path->flags |= SMTP_PATH_UTF8;
	if (path->flags & SMTP_PATH_UTF8) {
		if (!utf8)
			return -EILSEQ;
		if (!text_is_utf8(path->local, strlen(path->local), &bad))
			return -EINVAL;
	}
	if (!rest->n || rest->at[0] != '@') {
		path->kind = strcasecmp(path->local, "postmaster") == 0 ? SMTP_PATH_POSTMASTER
									: SMTP_PATH_BARE;
		return 0;
	}
	skip(rest, 1);
	for (size_t i = 0; i < rest->n && rest->at[i] != '>'; i++)
		if (rest->at[i] >= 0x80)
			path->flags |= SMTP_PATH_UTF8;
	r = read_domain(rest, utf8, path);
	if (r == 0 && (size_t)(rest->at - begin) > SMTP_ADDRESS_MAX)
		r = -EINVAL;
	return r;
}

int smtp_path_read(const uint8_t *bytes, size_t n, bool utf8, struct smtp_path *ret,
		   size_t *ret_used)
{
	struct span rest = { bytes, n };
	struct smtp_path path = { 0 };
	int r = 0;
	if (n < 2 || bytes[0] != '<')
		return -EINVAL;
	skip(&rest, 1);
	if (rest.at[0] != '>') {
		if (rest.at[0] == '@')
			r = read_route(&rest, utf8, &path);
		if (r == 0)
			r = read_mailbox(&rest, utf8, &path);
		if (r < 0)
			return r;
	}
	if (!rest.n || rest.at[0] != '>')
		return -EINVAL;
	*ret = path;
	*ret_used = (size_t)(rest.at - bytes) + 1;
	return 0;
}
