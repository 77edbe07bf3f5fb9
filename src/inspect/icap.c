#include "inspect/icap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

// What is put to the service is an answer of HTTP, so it needs a question too.
#define QUESTION "GET http://sekisho.invalid/message HTTP/1.1\r\nHost: sekisho.invalid\r\n\r\n"
#define ANSWER	 "HTTP/1.1 200 OK\r\nContent-Type: message/rfc822\r\n\r\n"

// --- where

static bool read_port(const char *text, uint16_t *ret)
{
	size_t n = strlen(text);
	unsigned long port =
		n && n <= 5 && strspn(text, "0123456789") == n ? strtoul(text, NULL, 10) : 0;
	*ret = (uint16_t)port;
	return port > 0 && port <= UINT16_MAX;
}

static bool is_visible(const char *text)
{
	for (; *text; text++)
		if (*text <= ' ' || *text > '~')
			return false;
	return true;
}

bool icap_url_read(const char *text, struct icap_url *ret)
{
	static const char scheme[] = "icap://";
	const char *host = text + strlen(scheme), *slash, *end, *port;
	char number[8] = "";

	*ret = (struct icap_url){ .port = ICAP_PORT };
	if (strncasecmp(text, scheme, strlen(scheme)) != 0 || !is_visible(text))
		return false;
	slash = strchr(host, '/');
	if (!slash || !slash[1] || strlen(slash) >= sizeof(ret->service))
		return false;
	ret->v6 = *host == '[';
	end = ret->v6 ? memchr(host, ']', (size_t)(slash - host)) : host + strcspn(host, ":/");
	host += ret->v6;
	if (!end || end == host || (size_t)(end - host) >= sizeof(ret->host))
		return false;
	port = end + ret->v6;
	if (port != slash && (*port != ':' || slash - port > 6))
		return false;
	if (port != slash)
		snprintf(number, sizeof(number), "%.*s", (int)(slash - port - 1), port + 1);
	if (port != slash && !read_port(number, &ret->port))
		return false;
	snprintf(ret->host, sizeof(ret->host), "%.*s", (int)(end - host), host);
	snprintf(ret->authority, sizeof(ret->authority), ret->v6 ? "[%s]:%u" : "%s:%u", ret->host,
		 ret->port);
	snprintf(ret->service, sizeof(ret->service), "%s", slash);
	return true;
}

// --- what is sent

static size_t written(int n)
{
	return n > 0 && n < SCAN_OPEN_MAX ? (size_t)n : 0;
}

static size_t begin(const char *service, uint8_t out[SCAN_OPEN_MAX])
{
	struct icap_url url;
	if (!service || !icap_url_read(service, &url))
		return 0;
	return written(snprintf(
		(char *)out, SCAN_OPEN_MAX,
		"RESPMOD icap://%s%s ICAP/1.0\r\nHost: %s\r\nAllow: 204\r\n"
		"Connection: close\r\n"
		"Encapsulated: req-hdr=0, res-hdr=%zu, res-body=%zu\r\n\r\n" QUESTION ANSWER,
		url.authority, url.service, url.authority, strlen(QUESTION),
		strlen(QUESTION ANSWER)));
}

size_t icap_options(const char *service, uint8_t out[SCAN_OPEN_MAX])
{
	struct icap_url url;
	if (!service || !icap_url_read(service, &url))
		return 0;
	return written(snprintf((char *)out, SCAN_OPEN_MAX,
				"OPTIONS icap://%s%s ICAP/1.0\r\nHost: %s\r\n"
				"Connection: close\r\nEncapsulated: null-body=0\r\n\r\n",
				url.authority, url.service, url.authority));
}

static size_t head(uint32_t n, uint8_t out[SCAN_HEAD_MAX])
{
	return (size_t)snprintf((char *)out, SCAN_HEAD_MAX, "%x\r\n", n);
}

// --- what is heard

void icap_reply_read(struct scan_reply *reply, const uint8_t *bytes, size_t n)
{
	for (size_t i = 0; i < n && !reply->bad && !reply->whole; i++) {
		if (!bytes[i] || reply->n == SCAN_REPLY_MAX - 1) {
			reply->bad = true;
			break;
		}
		reply->text[reply->n++] = (char)bytes[i];
		reply->text[reply->n] = '\0';
		reply->whole = reply->n >= 4 && !memcmp(reply->text + reply->n - 4, "\r\n\r\n", 4);
	}
}

// 0: that is no reply of ICAP.
static int status_of(const struct scan_reply *reply)
{
	const char *text = reply->text;
	int status = 0;
	if (!reply->whole || reply->bad || strncmp(text, "ICAP/1.", 7) != 0 || !text[7] ||
	    text[8] != ' ')
		return 0;
	for (text += 9; *text >= '0' && *text <= '9' && status < 1000; text++)
		status = status * 10 + (*text - '0');
	return (*text == ' ' || *text == '\r') && status >= 100 && status <= 999 ? status : 0;
}

// The value of a field up to the end of its line, or NULL.
static const char *field(const struct scan_reply *reply, const char *name, size_t *ret_n)
{
	const char *line = strstr(reply->text, "\r\n");
	size_t n = strlen(name);
	for (; line; line = strstr(line + 2, "\r\n")) {
		const char *at = line + 2;
		if (strncasecmp(at, name, n) != 0 || at[n] != ':')
			continue;
		at += n + 1;
		at += strspn(at, " \t");
		*ret_n = strcspn(at, "\r\n");
		return at;
	}
	return NULL;
}

// "Type=0; Resolution=2; Threat=Eicar-Test;"
static const char *threat(const char *value, size_t *n)
{
	static const char word[] = "Threat=";
	for (const char *at = value; at + strlen(word) < value + *n; at++)
		if (!strncasecmp(at, word, strlen(word))) {
			at += strlen(word);
			size_t length = strcspn(at, ";\r\n");
			*n = length < (size_t)(value + *n - at) ? length
								: (size_t)(value + *n - at);
			return at;
		}
	return value;
}

static void verdict(const struct scan_reply *reply, bool complete, struct scan_result *ret)
{
	int status = status_of(reply);
	const char *name;
	size_t n = 0;

	*ret = (struct scan_result){ .verdict = SCAN_DOWN };
	if (status == 204) {
		ret->verdict = complete ? SCAN_CLEAN : SCAN_DOWN;
		return;
	}
	if (status != 200)
		return;
	if ((name = field(reply, "X-Infection-Found", &n)))
		name = threat(name, &n);
	else
		name = field(reply, "X-Virus-ID", &n);
	scan_found(name ? name : "", name ? n : 0, ret);
}

const struct scan_words icap_words = {
	.open = begin,
	.head = head,
	.tail = "\r\n",
	.n_tail = 2,
	.end = "0\r\n\r\n",
	.n_end = 5,
	.read = icap_reply_read,
	.verdict = verdict,
};

// --- who it is

static bool has_word(const char *list, size_t n, const char *word)
{
	for (size_t at = 0; at < n;) {
		size_t length = 0;
		at += strspn(list + at, ", \t");
		while (at + length < n && !strchr(", \t", list[at + length]))
			length++;
		if (length == strlen(word) && !strncasecmp(list + at, word, length))
			return true;
		at += length + 1;
	}
	return false;
}

const char *icap_options_read(const struct scan_reply *reply, char name[ICAP_NAME_MAX])
{
	const char *allow, *methods, *service;
	size_t n = 0;

	if (status_of(reply) == 404)
		return "it has no such service";
	if (status_of(reply) != 200)
		return "its answer to OPTIONS makes no sense";
	methods = field(reply, "Methods", &n);
	if (!methods || !has_word(methods, n, "RESPMOD"))
		return "it does not take RESPMOD";
	allow = field(reply, "Allow", &n);
	if (!allow || !has_word(allow, n, "204"))
		return "it does not answer 204 to what it lets be";
	service = field(reply, "Service", &n);
	if (!service)
		service = "ICAP", n = 4;
	n = n < ICAP_NAME_MAX - 1 ? n : ICAP_NAME_MAX - 1;
	for (size_t i = 0; i < n; i++)
		name[i] = service[i] >= ' ' && service[i] <= '~' ? service[i] : '?';
	name[n] = '\0';
	return NULL;
}
