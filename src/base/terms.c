// Words: Aho, Corasick, "Efficient string matching" (CACM 18, 1975), over letters as they are after
// folding.
#include "base/terms.h"

#include <errno.h>
#include <string.h>

#include "base/arena.h"
#include "base/fold.h"

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
	uint64_t words, numbered;      // that end here, by fail too
};

struct terms {
	struct node *nodes;
	size_t n_nodes;
	size_t n_words;
	struct word {
		uint32_t letters[TERMS_WORD_MAX];
		bool joins[TERMS_WORD_MAX]; // comes right after an ASCII letter
		size_t n;
	} * words, *numbered; // with a number in place of a numeral; n 0: has none
};

static int fold_word(const char *text, struct word *word)
{
	const uint8_t *at = (const uint8_t *)text;
	size_t left = strlen(text);
	bool ascii = false;
	while (left) {
		uint32_t c, out[FOLD_MAX];
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
		n = fold_letter(c, out);
		for (size_t i = 0; i < n; i++) {
			if (out[i] != FOLD_GAP && word->n == TERMS_WORD_MAX)
				return -E2BIG;
			if (out[i] != FOLD_GAP) {
				word->joins[word->n] = ascii;
				word->letters[word->n++] = out[i];
			}
			ascii = fold_is_ascii(out[i]);
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

// Where the word ends.
static struct node *add_word(struct terms *terms, const struct word *word)
{
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
	return &terms->nodes[node];
}

// The first numeral behind another letter, as a number.  Not V and X, which are letters more often.
static void number_word(const struct word *word, struct word *ret)
{
	static const char *const numerals[] = { "i",  "ii",  "iii",  "iv", NULL,
						"vi", "vii", "viii", "ix" };
	const size_t n_numerals = sizeof(numerals) / sizeof(numerals[0]);
	ret->n = 0;
	for (size_t from = 1; from < word->n; from++) {
		size_t end = from, value = 0;
		if (!fold_is_ascii(word->letters[from]) || fold_is_ascii(word->letters[from - 1]))
			continue;
		while (end < word->n && fold_is_ascii(word->letters[end]) &&
		       (end == from || word->joins[end]))
			end++;
		for (size_t i = 0; i < n_numerals && !value; i++) {
			size_t n = numerals[i] ? strlen(numerals[i]) : 0, same = 0;
			while (same < n && n == end - from &&
			       word->letters[from + same] == (uint8_t)numerals[i][same])
				same++;
			value = n && same == n ? i + 1 : 0;
		}
		if (!value)
			continue;
		*ret = *word;
		ret->letters[from] = '0' + (uint32_t)value;
		memmove(ret->letters + from + 1, word->letters + end,
			(word->n - end) * sizeof(word->letters[0]));
		memmove(ret->joins + from + 1, word->joins + end, word->n - end);
		ret->n = word->n - (end - from) + 1;
		return;
	}
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
			child->numbered |= terms->nodes[child->fail].numbered;
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
	size_t letters = 1, more = 0;
	if (n > TERMS_MAX)
		return NULL;
	terms->words = arena_array_of(arena, struct word, n);
	terms->numbered = arena_array_of(arena, struct word, n);
	terms->n_words = n;
	for (size_t i = 0; i < n; i++) {
		if (fold_word(words[i], &terms->words[i]) < 0)
			return NULL;
		letters += terms->words[i].n;
		number_word(&terms->words[i], &terms->numbered[i]);
		more += terms->numbered[i].n;
	}
	if (letters > TERMS_NODES_MAX)
		return NULL;
	terms->nodes = arena_array_of(arena, struct node, letters + more);
	terms->n_nodes = 1;
	for (size_t i = 0; i < n; i++) {
		add_word(terms, &terms->words[i])->words |= UINT64_C(1) << i;
		if (terms->numbered[i].n)
			add_word(terms, &terms->numbered[i])->numbered |= UINT64_C(1) << i;
	}
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
		if (k && fold_is_ascii(word->letters[k - 1]) && !word->joins[k])
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
		if (fold_is_ascii(word->letters[i]) &&
		    reader->joins[place % TERMS_WORD_MAX] != word->joins[i])
			return false;
	}
	return true;
}

static uint64_t those_that_stand_together(const struct word *words, uint64_t ends,
					  const struct terms_reader *reader)
{
	uint64_t together = 0;
	for (; ends; ends &= ends - 1) {
		unsigned i = (unsigned)__builtin_ctzll(ends);
		if (stands_together(&words[i], reader))
			together |= UINT64_C(1) << i;
	}
	return together;
}

static void read_letter(const struct terms *terms, struct terms_reader *reader, uint32_t letter)
{
	bool ascii = fold_is_ascii(letter);
	if (!(ascii && reader->ascii))
		reader->found |= reader->ending;
	reader->joins[reader->n_letters++ % TERMS_WORD_MAX] = reader->ascii;
	reader->ascii = ascii;
	reader->node = step(terms, reader->node, letter);
	const struct node *node = &terms->nodes[reader->node];
	reader->ending = 0;
	if (node->words | node->numbered)
		reader->ending = those_that_stand_together(terms->words, node->words, reader) |
				 those_that_stand_together(terms->numbered, node->numbered, reader);
}

static void read_gap(struct terms_reader *reader)
{
	reader->found |= reader->ending;
	reader->ending = 0;
	reader->ascii = false;
}

// --- reading

static void read_code(const struct terms *terms, struct terms_reader *reader, uint32_t c)
{
	uint32_t out[FOLD_MAX];
	size_t n = fold_letter(c, out);
	person_read(&reader->persons, c);
	for (size_t i = 0; i < n; i++) {
		if (out[i] == FOLD_GAP)
			read_gap(reader);
		else
			read_letter(terms, reader, out[i]);
		person_read_label(&reader->persons, out[i]);
	}
}

// What is no UTF-8 is a gap.
static void read_byte(const struct terms *terms, struct terms_reader *reader, uint8_t byte)
{
	uint32_t c = FOLD_GAP;
	size_t length;
	if (reader->n_rest && (byte & 0xc0) != 0x80) {
		reader->n_rest = 0;
		read_code(terms, reader, FOLD_GAP);
	}
	reader->rest[reader->n_rest++] = byte;
	length = length_of(reader->rest[0]);
	if (reader->n_rest < length)
		return;
	if (length && !decode(reader->rest, length, &c))
		c = FOLD_GAP;
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
	read_code(terms, reader, FOLD_GAP);
	person_end(&reader->persons);
}

void terms_begin_again(struct terms_reader *reader)
{
	*reader = (struct terms_reader){ .found = reader->found, .persons = reader->persons };
	person_begin_again(&reader->persons);
}

uint32_t terms_numbers(const struct terms_reader *flows, size_t n)
{
	uint64_t sure = 0, likely = 0;
	bool labelled = false;
	for (size_t i = 0; i < n; i++) {
		sure += flows[i].persons.sure;
		likely += flows[i].persons.likely;
		labelled |= flows[i].persons.labelled;
	}
	sure += labelled ? likely : 0;
	return sure < UINT32_MAX ? (uint32_t)sure : UINT32_MAX;
}

bool terms_is_person(const uint8_t digits[12])
{
	unsigned sum = 0;
	for (unsigned n = 1; n <= 11; n++) // from the right, without the check digit
		sum += digits[11 - n] * (n <= 6 ? n + 1 : n - 5);
	return digits[11] == (sum % 11 <= 1 ? 0 : 11 - sum % 11);
}
