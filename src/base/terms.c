// Words: Aho, Corasick, "Efficient string matching" (CACM 18, 1975), over letters as they are after
// folding.
#include "base/terms.h"

#include <errno.h>
#include <string.h>

#include "base/arena.h"

enum { FOLDED_MAX = 4, DASH = 0x2010, GAP = 0, NOTHING = UINT32_MAX };

// --- letters

static bool is_ascii_letter(uint32_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

// Ranges of what becomes a gap, and of what is not seen.
static const struct {
	uint32_t from, to, becomes;
} ranges[] = {
	{ 0x00, 0x2f, GAP },	     { 0x3a, 0x40, GAP },	  { 0x5b, 0x60, GAP },
	{ 0x7b, 0xa9, GAP },	     { 0xab, 0xac, GAP },	  { 0xad, 0xad, NOTHING },
	{ 0xae, 0xb4, GAP },	     { 0xb6, 0xb9, GAP },	  { 0x34f, 0x34f, NOTHING },
	{ 0x61c, 0x61c, NOTHING },   { 0x115f, 0x1160, NOTHING }, { 0x17b4, 0x17b5, NOTHING },
	{ 0x180b, 0x180f, NOTHING }, { 0x2000, 0x200a, GAP },	  { 0x200b, 0x200f, NOTHING },
	{ 0x2010, 0x2029, GAP },     { 0x202a, 0x202e, NOTHING }, { 0x202f, 0x205f, GAP },
	{ 0x2060, 0x206f, NOTHING }, { 0x2500, 0x25ff, GAP },	  { 0x3000, 0x3004, GAP },
	{ 0x3008, 0x3020, GAP },     { 0x3030, 0x3030, GAP },	  { 0x30a0, 0x30a0, GAP },
	{ 0x30fb, 0x30fb, GAP },     { 0x3164, 0x3164, NOTHING }, { 0xfe00, 0xfe0f, NOTHING },
	{ 0xfe10, 0xfe6f, GAP },     { 0xfeff, 0xfeff, NOTHING }, { 0xff5f, 0xff65, GAP },
	{ 0xffa0, 0xffa0, NOTHING }, { 0xfff0, 0xfffb, NOTHING }, { 0xe0000, 0xe0fff, NOTHING },
};

static const char *const roman[] = { "i",   "ii",   "iii", "iv", "v",  "vi",
				     "vii", "viii", "ix",  "x",	 "xi", "xii" };

// Katakana of half a width, from U+FF66 on.
static const uint16_t half_kana[] = {
	0x30f2, 0x30a1, 0x30a3, 0x30a5, 0x30a7, 0x30a9, 0x30e3, 0x30e5, 0x30e7, 0x30c3,
	0x30fc, 0x30a2, 0x30a4, 0x30a6, 0x30a8, 0x30aa, 0x30ab, 0x30ad, 0x30af, 0x30b1,
	0x30b3, 0x30b5, 0x30b7, 0x30b9, 0x30bb, 0x30bd, 0x30bf, 0x30c1, 0x30c4, 0x30c6,
	0x30c8, 0x30ca, 0x30cb, 0x30cc, 0x30cd, 0x30ce, 0x30cf, 0x30d2, 0x30d5, 0x30d8,
	0x30db, 0x30de, 0x30df, 0x30e0, 0x30e1, 0x30e2, 0x30e4, 0x30e6, 0x30e8, 0x30e9,
	0x30ea, 0x30eb, 0x30ec, 0x30ed, 0x30ef, 0x30f3,
};
enum { VOICED = 0x3099, HALF_VOICED = 0x309a };

// Kana with a mark as letter and mark, since half-width text writes them so.  0: it has none.
static uint32_t mark_of(uint32_t c, uint32_t *ret_letter)
{
	uint32_t base = c >= 0x30a0 ? c - 0x60 : c; // as hiragana
	*ret_letter = c - 1;
	if (base >= 0x304b && base <= 0x3062) // か to ぢ: each before its voiced one
		return (base - 0x304b) % 2 ? VOICED : 0;
	if (base >= 0x3064 && base <= 0x3069) // つ to ど
		return (base - 0x3064) % 2 ? VOICED : 0;
	if (base >= 0x306f && base <= 0x307d) { // は to ぽ, in threes
		*ret_letter = c - (base - 0x306f) % 3;
		return (base - 0x306f) % 3 == 1 ? VOICED : (base - 0x306f) % 3 ? HALF_VOICED : 0;
	}
	*ret_letter = c - (0x3094 - 0x3046); // ゔ, ヴ
	return base == 0x3094 ? VOICED : 0;
}

// Most letters of most texts, none of which is in the table.
static bool stays(uint32_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (c > 0x3030 && c <= 0x309a) ||
	       (c > 0x30a0 && c < 0x30fb) || (c > 0x3164 && c < 0xfe00);
}

static uint32_t plain(uint32_t c)
{
	if (stays(c))
		return c;
	if (c >= 0xff66 && c < 0xff66 + sizeof(half_kana) / sizeof(half_kana[0]))
		return half_kana[c - 0xff66];
	if (c >= 0xff01 && c <= 0xff5e)
		c -= 0xff01 - '!';
	if (c >= 'A' && c <= 'Z')
		return c + 'a' - 'A';
	for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]) && c >= ranges[i].from; i++)
		if (c <= ranges[i].to)
			return ranges[i].becomes;
	if (c == 0xff9e || c == 0x309b)
		return VOICED;
	if (c == 0xff9f || c == 0x309c)
		return HALF_VOICED;
	return c;
}

// What a letter counts as: none, some, or a gap (GAP alone).
static size_t fold(uint32_t c, uint32_t out[FOLDED_MAX])
{
	uint32_t mark, letter;
	if ((c >= 0x2160 && c <= 0x216b) || (c >= 0x2170 && c <= 0x217b)) {
		const char *text = roman[(c - 0x2160) % 16];
		size_t n = strlen(text);
		for (size_t i = 0; i < n; i++)
			out[i] = (uint8_t)text[i];
		return n;
	}
	c = plain(c);
	if (c == NOTHING)
		return 0;
	mark = c >= 0x3041 && c <= 0x30ff ? mark_of(c, &letter) : 0;
	out[0] = mark ? letter : c;
	out[1] = mark;
	return mark ? 2 : 1;
}

// --- UTF-8 (RFC 3629)

static size_t length_of(uint8_t first)
{
	return first < 0x80   ? 1
	       : first < 0xc2 ? 0
	       : first < 0xe0 ? 2
	       : first < 0xf0 ? 3
	       : first < 0xf5 ? 4
			      : 0;
}

static bool decode(const uint8_t *bytes, size_t n, uint32_t *ret)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	uint32_t c = n == 1 ? bytes[0] : bytes[0] & (0x7fu >> n);
	for (size_t i = 1; i < n; i++)
		c = c << 6 | (bytes[i] & 0x3f);
	*ret = c;
	return c >= least[n] && c <= 0x10ffff && (c < 0xd800 || c > 0xdfff);
}

// --- the words

struct node {
	uint32_t letter;
	uint16_t child, sibling, fail; // 0: none; the root is 0
	uint64_t words;		       // that end here, by fail too
};

struct terms {
	struct node *nodes;
	size_t n_nodes;
	size_t n_words;
	struct word {
		uint32_t letters[TERMS_WORD_MAX];
		bool joins[TERMS_WORD_MAX]; // comes right after an ASCII letter
		size_t n;
	} * words;
};

static int fold_word(const char *text, struct word *word)
{
	const uint8_t *at = (const uint8_t *)text;
	size_t left = strlen(text);
	bool ascii = false;
	while (left) {
		uint32_t c, out[FOLDED_MAX];
		size_t n = length_of(*at);
		if (!n || n > left)
			return -EINVAL;
		for (size_t i = 1; i < n; i++)
			if ((at[i] & 0xc0) != 0x80)
				return -EINVAL;
		if (!decode(at, n, &c))
			return -EINVAL;
		at += n;
		left -= n;
		n = fold(c, out);
		for (size_t i = 0; i < n; i++) {
			if (out[i] != GAP && word->n == TERMS_WORD_MAX)
				return -E2BIG;
			if (out[i] != GAP) {
				word->joins[word->n] = ascii;
				word->letters[word->n++] = out[i];
			}
			ascii = is_ascii_letter(out[i]);
		}
	}
	return word->n ? 0 : -EINVAL;
}

static uint16_t child_of(const struct terms *terms, uint16_t node, uint32_t letter)
{
	uint16_t child = terms->nodes[node].child;
	while (child && terms->nodes[child].letter != letter)
		child = terms->nodes[child].sibling;
	return child;
}

static void add_word(struct terms *terms, size_t index)
{
	const struct word *word = &terms->words[index];
	uint16_t node = 0;
	for (size_t i = 0; i < word->n; i++) {
		uint16_t child = child_of(terms, node, word->letters[i]);
		if (!child) {
			child = (uint16_t)terms->n_nodes++;
			terms->nodes[child] = (struct node){
				.letter = word->letters[i],
				.sibling = terms->nodes[node].child,
			};
			terms->nodes[node].child = child;
		}
		node = child;
	}
	terms->nodes[node].words |= UINT64_C(1) << index;
}

static uint16_t step(const struct terms *terms, uint16_t node, uint32_t letter)
{
	uint16_t child;
	while (!(child = child_of(terms, node, letter)) && node)
		node = terms->nodes[node].fail;
	return child;
}

// Nearest to the root first.
static void link_nodes(struct arena *arena, struct terms *terms)
{
	uint16_t *queue = arena_array_of(arena, uint16_t, terms->n_nodes);
	size_t first = 0, end = 1;
	while (first < end) {
		uint16_t node = queue[first++];
		for (uint16_t c = terms->nodes[node].child; c; c = terms->nodes[c].sibling) {
			struct node *child = &terms->nodes[c];
			child->fail =
				node ? step(terms, terms->nodes[node].fail, child->letter) : 0;
			child->words |= terms->nodes[child->fail].words;
			queue[end++] = c;
		}
	}
}

int terms_check(const char *word)
{
	struct word folded = { 0 };
	return fold_word(word, &folded);
}

struct terms *terms_new(struct arena *arena, const char *const *words, size_t n)
{
	struct terms *terms = arena_new_of(arena, struct terms);
	size_t letters = 1;
	if (n > TERMS_MAX)
		return NULL;
	terms->words = arena_array_of(arena, struct word, n);
	terms->n_words = n;
	for (size_t i = 0; i < n; i++) {
		if (fold_word(words[i], &terms->words[i]) < 0)
			return NULL;
		letters += terms->words[i].n;
	}
	if (letters > TERMS_NODES_MAX)
		return NULL;
	terms->nodes = arena_array_of(arena, struct node, letters);
	terms->n_nodes = 1;
	for (size_t i = 0; i < n; i++)
		add_word(terms, i);
	link_nodes(arena, terms);
	return terms;
}

static size_t put_letter(uint32_t c, char *out)
{
	static const uint8_t leads[] = { 0, 0, 0xc0, 0xe0, 0xf0 };
	size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
	for (size_t i = n; i > 1; i--, c >>= 6)
		out[i - 1] = (char)(0x80 | (c & 0x3f));
	out[0] = (char)(n == 1 ? c : leads[n] | c);
	return n;
}

// Spaces where letters of ASCII stand apart.
size_t terms_text(const struct terms *terms, size_t i, char out[TERMS_TEXT_MAX])
{
	const struct word *word = i < terms->n_words ? &terms->words[i] : NULL;
	size_t n = 0;
	for (size_t k = 0; word && k < word->n; k++) {
		if (k && is_ascii_letter(word->letters[k - 1]) && !word->joins[k])
			out[n++] = ' ';
		n += put_letter(word->letters[k], out + n);
	}
	out[n] = '\0';
	return n;
}

// --- reading words

// ASCII letters stand together where the word's do, and only there.
static bool stands_together(const struct word *word, const struct terms_reader *reader)
{
	for (size_t i = 0; i < word->n; i++) {
		uint32_t place = reader->n_letters - (uint32_t)word->n + (uint32_t)i;
		if (is_ascii_letter(word->letters[i]) &&
		    reader->joins[place % TERMS_WORD_MAX] != word->joins[i])
			return false;
	}
	return true;
}

static void read_letter(const struct terms *terms, struct terms_reader *reader, uint32_t letter)
{
	bool ascii = is_ascii_letter(letter);
	if (!(ascii && reader->ascii))
		reader->found |= reader->ending;
	reader->ending = 0;
	reader->joins[reader->n_letters++ % TERMS_WORD_MAX] = reader->ascii;
	reader->ascii = ascii;
	reader->node = step(terms, reader->node, letter);
	for (uint64_t ends = terms->nodes[reader->node].words; ends; ends &= ends - 1) {
		unsigned i = (unsigned)__builtin_ctzll(ends);
		if (stands_together(&terms->words[i], reader))
			reader->ending |= UINT64_C(1) << i;
	}
}

static void read_gap(struct terms_reader *reader)
{
	reader->found |= reader->ending;
	reader->ending = 0;
	reader->ascii = false;
}

// --- reading numbers

bool terms_is_person(const uint8_t digits[12])
{
	unsigned sum = 0;
	for (unsigned n = 1; n <= 11; n++) // from the right, without the check digit
		sum += digits[11 - n] * (n <= 6 ? n + 1 : n - 5);
	return digits[11] == (sum % 11 <= 1 ? 0 : 11 - sum % 11);
}

static void end_number(struct terms_reader *reader)
{
	if (reader->n_digits == 12 && !reader->too_long && terms_is_person(reader->digits) &&
	    reader->numbers < UINT32_MAX)
		reader->numbers++;
	reader->n_digits = 0;
	reader->divided = reader->groups = reader->too_long = false;
}

static bool divides(uint32_t c)
{
	return c == ' ' || c == '-' || c == 0x3000 || (c >= DASH && c <= 0x2015) || c == 0x2212 ||
	       c == 0xff0d || c == 0x30fc || c == 0xa0;
}

static void read_digit(struct terms_reader *reader, uint8_t digit)
{
	// After the first divider each group has its own.
	bool due = reader->groups && (reader->n_digits == 4 || reader->n_digits == 8);
	if (reader->n_digits == 12 || due != reader->divided)
		reader->too_long = true;
	else
		reader->digits[reader->n_digits++] = digit;
	reader->divided = false;
}

static void read_divider(struct terms_reader *reader)
{
	if (!reader->n_digits && !reader->too_long)
		return;
	if (reader->divided) { // two of them end it
		end_number(reader);
		return;
	}
	if (reader->n_digits == 12 && !reader->too_long) {
		reader->divided = true; // the end, if no digit follows
		return;
	}
	if (reader->n_digits != 4 && (reader->n_digits != 8 || !reader->groups))
		reader->too_long = true;
	reader->divided = reader->groups = true;
}

static void read_for_numbers(struct terms_reader *reader, uint32_t c)
{
	if (c >= 0xff10 && c <= 0xff19)
		c -= 0xff10 - '0';
	if (c >= '0' && c <= '9')
		read_digit(reader, (uint8_t)(c - '0'));
	else if (divides(c))
		read_divider(reader);
	else if ((reader->n_digits || reader->too_long) && plain(c) != NOTHING)
		end_number(reader);
}

// --- reading

static void read_code(const struct terms *terms, struct terms_reader *reader, uint32_t c)
{
	uint32_t out[FOLDED_MAX];
	size_t n = fold(c, out);
	read_for_numbers(reader, c);
	for (size_t i = 0; i < n; i++) {
		if (out[i] == GAP)
			read_gap(reader);
		else
			read_letter(terms, reader, out[i]);
	}
}

// What is no UTF-8 is a gap.
static void read_byte(const struct terms *terms, struct terms_reader *reader, uint8_t byte)
{
	uint32_t c = GAP;
	size_t length;
	if (reader->n_rest && (byte & 0xc0) != 0x80) {
		reader->n_rest = 0;
		read_code(terms, reader, GAP);
	}
	reader->rest[reader->n_rest++] = byte;
	length = length_of(reader->rest[0]);
	if (reader->n_rest < length)
		return;
	if (length && !decode(reader->rest, length, &c))
		c = GAP;
	reader->n_rest = 0;
	read_code(terms, reader, c);
}

void terms_read(const struct terms *terms, struct terms_reader *reader, const uint8_t *bytes,
		size_t n)
{
	for (size_t i = 0; i < n; i++)
		read_byte(terms, reader, bytes[i]);
}

void terms_end(const struct terms *terms, struct terms_reader *reader)
{
	reader->n_rest = 0;
	read_code(terms, reader, GAP);
	end_number(reader);
}
