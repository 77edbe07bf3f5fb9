// Both sides of an SMTP session, from strangers.  The first byte chooses who the client is and what
// the guard demands; then 0xf0 and 0xf1 switch to the client's and the server's bytes, 0xf2 and
// 0xf3 close a side, 0xf4 cuts.
//
// Whatever comes: every byte is decided once; what goes on to the server has no bare CR, bare LF or
// NUL, no RCPT of a client outside to a domain outside, no BDAT, no end of a message of more than
// the cap; and the outcome is the same byte by byte.
#include <ctype.h>
#include <strings.h>

#include "unit/smtp_bed.h"
#include "unit/smtp_profile.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

enum { INPUT_MAX = 8000, LARGEST = 60 };

struct watch {
	struct bed bed;		    // first: the hook is given this
	bool outside, body, answer; // answer: the next line is of an AUTH dialogue
	size_t seen;
	char line[2100];
	size_t n_line;
	uint64_t body_size;
	uint8_t last;
};

static bool is_own(const char *domain)
{
	static const char *const own[] = { "city.example.jp", ".city.example.jp",
					   "xn--7sto6a74d.jp", "市役所.jp" };
	size_t n = strlen(domain);
	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++) {
		size_t m = strlen(own[i]);
		if (own[i][0] == '.' ? n > m && strcasecmp(domain + n - m, own[i]) == 0
				     : strcasecmp(domain, own[i]) == 0)
			return true;
	}
	const char *suffix = ".city.example.jp"; // below, in Unicode
	return n > strlen(suffix) && strcasecmp(domain + n - strlen(suffix), suffix) == 0;
}

static void check_rcpt(const struct watch *watch, char *line)
{
	char *path = strchr(line, '<'), *end = path ? strchr(path, '>') : NULL;
	if (!watch->outside)
		return;
	bed_must(end);
	*end = '\0';
	char *at = strrchr(path, '@');
	if (!at) {
		bed_must(strcasecmp(path + 1, "postmaster") == 0 ||
			 strcasecmp(path + 1, "\"postmaster\"") == 0 || strchr(path, '\\'));
		return;
	}
	bed_must(strchr(path, '@') == at && !strpbrk(path, "%!:,"));
	bed_must(is_own(at + 1));
}

static void check_line(struct watch *watch)
{
	char *line = watch->line;
	line[watch->n_line] = '\0';
	while (*line && isspace((unsigned char)*line))
		line++;
	bed_must(strncasecmp(line, "BDAT", 4) != 0);
	bed_must(strncasecmp(line, "XCLIENT", 7) != 0);
	bed_must(strncasecmp(line, "LHLO", 4) != 0);
	bed_must(strncasecmp(line, "STARTTLS", 8) != 0);
	if (strncasecmp(line, "RCPT", 4) == 0)
		check_rcpt(watch, line);
	watch->n_line = 0;
}

static void to_server(struct watch *watch, uint8_t byte)
{
	bed_must((watch->last == '\r') == (byte == '\n'));
	bed_must(byte);
	watch->last = byte;
	if (byte != '\n') {
		if (watch->body && watch->n_line > 2)
			watch->n_line = 2; // only how a line begins matters
		bed_must(watch->n_line < sizeof(watch->line) - 1 || watch->body || watch->answer);
		if (byte != '\r' && watch->n_line < sizeof(watch->line) - 1)
			watch->line[watch->n_line++] = (char)byte;
		watch->body_size++;
		return;
	}
	watch->body_size++;
	if (watch->answer) {
		watch->line[watch->n_line] = '\0';
		bed_must(!strpbrk(watch->line, " :<>@"));
		watch->answer = false;
	} else if (!watch->body) {
		check_line(watch);
	} else if (watch->n_line == 1 && watch->line[0] == '.') {
		bed_must(watch->body_size - 3 <= LARGEST);
		watch->body = false;
	}
	watch->n_line = 0;
}

static void after(struct bed *bed, const struct engine_order *order)
{
	struct watch *watch = (struct watch *)bed;
	const struct bed_bytes *on = &bed->on[ENGINE_CLIENT];
	if (order->verb == ENGINE_RELEASE) {
		watch->seen = on->n;
		return;
	}
	for (; watch->seen < on->n; watch->seen++)
		to_server(watch, on->v[watch->seen]);
	if (order->verb == ENGINE_PASS && order->side == ENGINE_SERVER) {
		const struct bed_bytes *back = &bed->on[ENGINE_SERVER];
		const uint8_t *code = back->v + back->n - order->size;
		watch->answer = watch->answer || memcmp(code, "334", 3) == 0;
		if (memcmp(code, "354", 3) == 0) {
			watch->body = true;
			watch->body_size = 0;
			bed_must(!watch->n_line);
		}
	}
}

static void feed(struct bed *bed, enum engine_side side, const uint8_t *bytes, size_t n,
		 bool singly)
{
	for (size_t i = 0; singly && i < n; i++)
		bed_feed(bed, side, bytes + i, 1);
	if (!singly)
		bed_feed(bed, side, bytes, n);
}

static void play(struct watch *watch, const struct engine_peer *peer, const uint8_t *bytes,
		 size_t size, bool singly)
{
	enum engine_side side = ENGINE_SERVER;
	size_t begin = 0;
	bed_begin(&watch->bed, peer, NULL);
	watch->bed.after = after;
	for (size_t i = 0; i <= size; i++) {
		if (i < size && (bytes[i] < 0xf0 || bytes[i] > 0xf4))
			continue;
		feed(&watch->bed, side, bytes + begin, i - begin, singly);
		begin = i + 1;
		if (i == size)
			break;
		if (bytes[i] == 0xf0 || bytes[i] == 0xf1)
			side = bytes[i] == 0xf0 ? ENGINE_CLIENT : ENGINE_SERVER;
		if (bytes[i] == 0xf2 || bytes[i] == 0xf3)
			bed_close(&watch->bed, bytes[i] == 0xf2 ? ENGINE_CLIENT : ENGINE_SERVER);
	}
	bed_over(&watch->bed);
}

static bool same(const struct bed_bytes *a, const struct bed_bytes *b)
{
	return a->n == b->n && memcmp(a->v, b->v, a->n) == 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	static struct watch whole, single;
	struct town town;
	if (size < 1 || size > INPUT_MAX)
		return 0;
	uint8_t with = bytes[0];
	town_init(&town);
	town.profile.sizes = town.sizes;
	town.profile.n_sizes = 3;
	town.profile.own_sender = with & 2 ? PROFILE_OWN_REFUSE : PROFILE_OWN_MARK;
	town.profile.tls = with & 4 ? PROFILE_TLS_REFUSE : PROFILE_TLS_CLEAR_ONLY;
	if (with & 8)
		town.profile.limits = (struct profile_limits){ .recipients = 2,
							       .invalid_recipients = 2,
							       .transactions = 2 };
	memset(&whole, 0, sizeof(whole));
	whole.outside = !(with & 1);
	single = whole;
	play(&whole, with & 1 ? &town.inside : &town.outside, bytes + 1, size - 1, false);
	play(&single, with & 1 ? &town.inside : &town.outside, bytes + 1, size - 1, true);
	bed_must(same(&whole.bed.on[0], &single.bed.on[0]));
	bed_must(same(&whole.bed.on[1], &single.bed.on[1]));
	bed_must(same(&whole.bed.records, &single.bed.records));
	bed_must(whole.bed.ended == single.bed.ended);
	bed_done(&whole.bed);
	bed_done(&single.bed);
	return 0;
}
