#include "inspect/habit_alike.h"

#include <idn2.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/text.h"
#include "inspect/habit_domain.h"

enum { EDIT_LENGTH_MIN = 5 };

// --- skeletons

// Letters that look like Latin ones in common fonts, by what they look like.  Taken from the
// letters of confusables.txt (UTS 39) that IDNA2008 permits in names, and Kanji that differ by a
// stroke from those in names of bodies; more would make words of other scripts alike.
static const struct {
	const char *letters;
	char like;
} likenesses[] = {
	{ "àáâãäåāăąǎȁȃȧạảấầẩẫậắằẳẵặɑаα", 'a' },
	{ "ƀƃɓḃḅьв", 'b' },
	{ "çćĉċčƈɕсϲ", 'c' },
	{ "ďđɖɗḋḍԁ", 'd' },
	{ "èéêëēĕėęěȅȇȩẹẻẽếềểễệеєεё", 'e' },
	{ "ƒḟ", 'f' },
	{ "ĝğġģǥǧǵɡɢ", 'g' },
	{ "ĥħḣḥһнհ", 'h' },
	{ "ìíîïĩīĭįıǐȉȋịỉɩіїιίӏ|!", 'l' },
	{ "ĵǰјϳ", 'j' },
	{ "ķĸƙǩḳкκ", 'k' },
	{ "ĺļľŀłƚḷ", 'l' },
	{ "ḿṁṃм", 'm' },
	{ "ñńņňŉŋƞǹṅṇпηոռ", 'n' },
	{ "òóôõöøōŏőơǒǫȍȏȯọỏốồổỗộớờởỡợоοσօө〇", 'o' },
	{ "ƥṕṗрρ", 'p' },
	{ "ɋԛգ", 'q' },
	{ "ŕŗřȑȓṙṛг", 'r' },
	{ "śŝşšșṡṣѕʂ", 's' },
	{ "ţťŧƫțṫṭтτ", 't' },
	{ "ùúûüũūŭůűųưǔȕȗụủứừửữựυսц", 'u' },
	{ "ṽṿνѵ", 'v' },
	{ "ŵẁẃẅẇẉԝωѡա", 'w' },
	{ "ẋẍхχ", 'x' },
	{ "ýÿŷȳẏỳỵỷỹуүγʏ", 'y' },
	{ "źżžƶȥẑẓᴢ", 'z' },
	{ "‐‑‒–—―−ー一", '-' },
	{ "。．｡․", '.' },
};
static const char *const kanji[] = { "市巿", "土士", "未末", "曰日", "己巳已", "ニ二",
				     "ハ八", "エ工", "ロ口", "カ力", "タ夕",   "ト卜",
				     "へヘ", "べベ", "ぺペ", "戶戸", "祗祇" };

static bool stands_in(const char *letters, uint32_t c)
{
	for (uint32_t letter; (letter = text_next(&letters));)
		if (letter == c)
			return true;
	return false;
}

static uint32_t likeness(uint32_t c)
{
	c = c >= 0xff01 && c <= 0xff5e ? c - 0xff01 + 0x21 : c; // full width
	c = c >= 'A' && c <= 'Z' ? c | 0x20 : c;
	if (c == '0')
		return 'o';
	if (c == '1' || c == 'i' || c == '|' || c == '!')
		return 'l';
	if (c < 0x80)
		return c;
	for (size_t i = 0; c < 0x4e01 && i < sizeof(likenesses) / sizeof(likenesses[0]); i++)
		if (stands_in(likenesses[i].letters, c))
			return (uint32_t)likenesses[i].like;
	for (size_t i = 0; i < sizeof(kanji) / sizeof(kanji[0]); i++)
		if (stands_in(kanji[i], c)) {
			const char *first = kanji[i];
			return text_next(&first);
		}
	return c;
}

// Letters that only together look like one.
static void put(struct habit_skeleton *skeleton, uint32_t c)
{
	uint32_t *last = skeleton->n ? &skeleton->v[skeleton->n - 1] : NULL;
	if (last && *last == 'r' && c == 'n')
		*last = 'm';
	else if (last && *last == 'v' && c == 'v')
		*last = 'w';
	else if (skeleton->n < HABIT_SKELETON_MAX)
		skeleton->v[skeleton->n++] = c;
}

static void put_text(struct habit_skeleton *skeleton, const char *text)
{
	for (uint32_t c; (c = text_next(&text));)
		if (!text_is_hidden(c) && !(c >= 0x300 && c < 0x370)) // nor accents by themselves
			put(skeleton, likeness(c));
}

static bool is_label_byte(char byte)
{
	return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
	       (byte >= '0' && byte <= '9') || byte == '-';
}

// An A-label as its letters.
static void put_label(struct habit_skeleton *skeleton, const char *at, size_t n)
{
	char label[64], *letters = NULL;
	if (n < sizeof(label)) {
		memcpy(label, at, n);
		label[n] = '\0';
		if (idn2_to_unicode_8z8z(label, &letters, 0) != IDN2_OK)
			letters = NULL;
	}
	for (size_t i = 0; !letters && i < n; i++)
		put(skeleton, likeness((uint8_t)at[i]));
	if (letters)
		put_text(skeleton, letters);
	idn2_free(letters);
}

void habit_skeleton(const char *text, struct habit_skeleton *ret)
{
	ret->n = 0;
	while (*text && ret->n < HABIT_SKELETON_MAX) {
		size_t n = 0;
		while (is_label_byte(text[n]))
			n++;
		if (n > 4 && strncasecmp(text, "xn--", 4) == 0) {
			put_label(ret, text, n);
		} else {
			char one[8];
			const char *next = text;
			n = n ? n : (text_next(&next), (size_t)(next - text));
			for (size_t at = 0, piece; at < n; at += piece) {
				piece = n - at < sizeof(one) - 1 ? n - at : sizeof(one) - 1;
				memcpy(one, text + at, piece);
				one[piece] = '\0';
				put_text(ret, one);
			}
		}
		text += n;
	}
}

// --- comparing

struct run { // of a skeleton
	const uint32_t *v;
	size_t n;
};

static bool equal(struct run a, struct run b)
{
	return a.n == b.n && memcmp(a.v, b.v, a.n * sizeof(*a.v)) == 0;
}

static bool ends_with(struct run a, struct run b)
{
	return a.n >= b.n && equal((struct run){ a.v + a.n - b.n, b.n }, b) &&
	       (a.n == b.n || a.v[a.n - b.n - 1] == '.');
}

// One letter more, less or other, or two neighbours swapped; not none.
static bool one_edit(struct run a, struct run b)
{
	size_t at = 0;
	struct run longer = a.n > b.n ? a : b, shorter = a.n > b.n ? b : a;
	while (at < shorter.n && a.v[at] == b.v[at])
		at++;
	struct run rest = { longer.v + at, longer.n - at },
		   other = { shorter.v + at, shorter.n - at };
	if (longer.n == shorter.n + 1)
		return equal((struct run){ rest.v + 1, rest.n - 1 }, other);
	if (longer.n != shorter.n || !rest.n)
		return false;
	if (equal((struct run){ rest.v + 1, rest.n - 1 }, (struct run){ other.v + 1, other.n - 1 }))
		return true;
	return rest.n > 1 && rest.v[0] == other.v[1] && rest.v[1] == other.v[0] &&
	       equal((struct run){ rest.v + 2, rest.n - 2 },
		     (struct run){ other.v + 2, other.n - 2 });
}

static size_t count_dots(struct run a)
{
	size_t n = 0;
	for (size_t i = 0; i < a.n; i++)
		n += a.v[i] == '.';
	return n;
}

// Its last labels, as many as b has.
static struct run tail(struct run a, struct run b)
{
	size_t most = count_dots(b), seen = 0, at = a.n;
	while (at && (a.v[at - 1] != '.' || seen++ < most))
		at--;
	return (struct run){ a.v + at, a.n - at };
}

// Whether b stands in a as whole labels and does not end it.
static bool is_within(struct run a, struct run b)
{
	for (size_t at = 0; at + b.n < a.n; at++)
		if ((!at || a.v[at - 1] == '.') && a.v[at + b.n] == '.' &&
		    equal((struct run){ a.v + at, b.n }, b))
			return true;
	return false;
}

static struct run without_last(struct run a)
{
	while (a.n && a.v[a.n - 1] != '.')
		a.n--;
	a.n -= a.n > 0;
	return a;
}

// Long enough not to be met by chance: letters of other scripts say more.
static bool is_long(struct run a)
{
	bool other = false;
	for (size_t i = 0; i < a.n; i++)
		other |= a.v[i] >= 0x80;
	return a.n >= EDIT_LENGTH_MIN || (other && a.n > 1);
}

struct form {				     // of a domain, ready to be compared
	struct habit_skeleton whole, folded; // folded: hyphens are dots
	size_t name;			     // letters without the suffix
};

static void make_form(const char *domain, struct form *ret)
{
	const char *suffix = habit_domain_suffix(domain);
	size_t dots = *suffix ? 1 : 0;
	for (const char *at = suffix; *at; at++)
		dots += *at == '.';
	habit_skeleton(domain, &ret->whole);
	ret->folded = ret->whole;
	ret->name = ret->whole.n;
	for (size_t i = ret->whole.n; i && dots; i--)
		if (ret->whole.v[i - 1] == '.') {
			ret->name = i - 1;
			dots--;
		}
	for (size_t i = 0; i < ret->folded.n; i++)
		if (ret->folded.v[i] == '-')
			ret->folded.v[i] = '.';
}

// Names that only public bodies can have.
static bool is_reserved(const char *domain)
{
	static const char *const bodies[] = { "city.", "town.", "vill.", "pref.", "metro." };
	const char *suffix = habit_domain_suffix(domain);
	const char *registered = habit_domain_registered(domain);
	size_t n = strlen(suffix);
	if (strcmp(suffix, "lg.jp") == 0 || strcmp(suffix, "go.jp") == 0)
		return true;
	for (size_t i = 0; registered && i < sizeof(bodies) / sizeof(bodies[0]); i++)
		if (strncmp(registered, bodies[i], strlen(bodies[i])) == 0)
			return n > 3 && strchr(suffix, '.') && strcmp(suffix + n - 3, ".jp") == 0;
	return false;
}

static enum habit_alike compare(const struct form *own, const struct form *other, bool reserved)
{
	const struct run a = { own->whole.v, own->whole.n }, b = { other->whole.v, other->whole.n };
	const struct run fa = { own->folded.v, own->folded.n },
			 fb = { other->folded.v, other->folded.n };
	const struct run na = { own->whole.v, own->name }, nb = { other->whole.v, other->name };
	if (ends_with(b, a))
		return HABIT_CONFUSABLE;
	if (is_within(fb, fa) || ends_with(fb, fa))
		return HABIT_EMBEDDED;
	if (reserved)
		return HABIT_UNLIKE;
	if (is_long(na) &&
	    (ends_with((struct run){ fb.v, other->name }, (struct run){ fa.v, own->name }) ||
	     ends_with((struct run){ fb.v, other->name }, without_last(fa))))
		return HABIT_OTHER_SUFFIX;
	if (na.n < EDIT_LENGTH_MIN)
		return HABIT_UNLIKE;
	if (one_edit(tail(b, a), a) || one_edit(tail(nb, na), na) || one_edit(b, a))
		return HABIT_ONE_EDIT;
	return HABIT_UNLIKE;
}

enum habit_alike habit_alike(const struct profile *profile, const char *domain)
{
	struct form *forms;
	enum habit_alike alike = HABIT_UNLIKE;
	if (!*domain || habit_domain_is_ours(profile, domain))
		return HABIT_UNLIKE;
	forms = malloc(2 * sizeof(*forms)); // 16 KB each
	if (!forms)
		return HABIT_CONFUSABLE; // as strict as can be
	make_form(domain, &forms[1]);
	for (size_t i = 0; i < profile->n_domains && alike == HABIT_UNLIKE; i++) {
		make_form(profile->domains[i].name, &forms[0]);
		alike = compare(&forms[0], &forms[1], is_reserved(domain));
	}
	free(forms);
	return alike;
}

static bool is_letter(uint32_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
}

bool habit_alike_shown(const struct profile *profile, const char *text)
{
	struct habit_skeleton *shown = calloc(2, sizeof(*shown)), *own = shown ? shown + 1 : NULL;
	bool found = !shown;
	if (shown)
		habit_skeleton(text, shown);
	for (size_t i = 0; shown && !found && i < profile->n_domains; i++) {
		habit_skeleton(profile->domains[i].name, own);
		for (size_t at = 0; at + own->n <= shown->n && !found; at++) {
			bool ends = at + own->n == shown->n || !is_letter(shown->v[at + own->n]);
			found = ends && (!at || !is_letter(shown->v[at - 1])) &&
				memcmp(shown->v + at, own->v, own->n * sizeof(own->v[0])) == 0;
		}
	}
	free(shown);
	return found;
}
