// A table has a code point for each byte, or pair of bytes, of a set.  One table of CP932 serves
// Shift_JIS, EUC-JP and ISO-2022-JP alike: the three write the rows and cells of JIS X 0208
// differently, and mail says one and means Microsoft's characters.
#include "mime/mime_charset.h"

#include <errno.h>
#include <iconv.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "mime/mime.h"

enum {
	LEAD_MIN = 0x81,
	TRAIL_MIN = 0x40,
	TRAILS = 0xff - TRAIL_MIN,
	PAIRS = (0xff - LEAD_MIN) * TRAILS,
	ROWS = 94,
	NAME_MAX_BYTES = 32,
};

struct reader { // bytes of a set on their way to code points
	const uint8_t *v;
	size_t n, at;
	struct mime_text *out;
	bool sound;
};

struct mime_charset {
	void (*read)(const struct mime_charset *charset, struct reader *reader);
	const char *iconv; // its name there; NULL: needs no table
	uint16_t *table;   // of 256 bytes, or of PAIRS; 0: no character
	bool pairs;
};

static void put(struct reader *reader, uint32_t code_point)
{
	if (code_point == 0xfffd)
		reader->sound = false;
	mime_text_char(reader->out, code_point);
}

static uint8_t next(struct reader *reader)
{
	return reader->v[reader->at++];
}

static bool more(const struct reader *reader)
{
	return reader->at < reader->n;
}

static void read_utf8(const struct mime_charset *charset, struct reader *reader)
{
	size_t bad;
	(void)charset;
	while (more(reader)) {
		size_t left = reader->n - reader->at, run = left;
		if (!text_is_utf8(reader->v + reader->at, left, &bad))
			run = bad;
		mime_text_add(reader->out, reader->v + reader->at, run);
		reader->at += run;
		if (run == left)
			break;
		put(reader, 0xfffd);
		reader->at++;
	}
}

static void read_single(const struct mime_charset *charset, struct reader *reader)
{
	while (more(reader)) {
		uint8_t byte = next(reader);
		put(reader, byte < 0x80		   ? byte
			    : charset->table[byte] ? charset->table[byte]
						   : 0xfffd);
	}
}

static uint32_t pair_of(const struct mime_charset *charset, uint8_t lead, uint8_t trail)
{
	if (lead < LEAD_MIN || lead == 0xff || trail < TRAIL_MIN || trail == 0xff)
		return 0xfffd;
	uint16_t c = charset->table[(lead - LEAD_MIN) * TRAILS + trail - TRAIL_MIN];
	return c ? c : 0xfffd;
}

// A pair, or U+FFFD for the lead alone, so that an ASCII byte after it is never swallowed.
static void put_pair(const struct mime_charset *charset, struct reader *reader, uint8_t lead)
{
	uint32_t c = more(reader) ? pair_of(charset, lead, reader->v[reader->at]) : 0xfffd;
	if (c != 0xfffd)
		reader->at++;
	put(reader, c);
}

static void read_pairs(const struct mime_charset *charset, struct reader *reader)
{
	while (more(reader)) {
		uint8_t byte = next(reader);
		if (byte < 0x80)
			put(reader, byte);
		else
			put_pair(charset, reader, byte);
	}
}

static void read_sjis(const struct mime_charset *charset, struct reader *reader)
{
	while (more(reader)) {
		uint8_t byte = next(reader);
		if (byte < 0x80)
			put(reader, byte);
		else if (byte >= 0xa1 && byte <= 0xdf)
			put(reader, 0xff61 + byte - 0xa1U);
		else
			put_pair(charset, reader, byte);
	}
}

// row and cell from 0.
static uint32_t jis_of(const struct mime_charset *charset, unsigned row, unsigned cell)
{
	if (row >= ROWS || cell >= ROWS)
		return 0xfffd;
	unsigned lead = row / 2 + (row < 62 ? 0x81 : 0xc1);
	unsigned trail = row % 2 ? cell + 0x9f : cell + 0x40 + (cell >= 63);
	return pair_of(charset, (uint8_t)lead, (uint8_t)trail);
}

static uint16_t *supplement; // JIS X 0212, ROWS times ROWS

static uint32_t supplement_of(unsigned row, unsigned cell)
{
	uint32_t c = supplement && row < ROWS && cell < ROWS ? supplement[row * ROWS + cell] : 0;
	return c ? c : 0xfffd;
}

// Row and cell follow as bytes of 0x21 to 0x7e, or with high the same and 0x80.
static void put_jis(const struct mime_charset *charset, struct reader *reader, uint8_t high,
		    bool second_plane)
{
	uint32_t c = 0xfffd;
	size_t left = reader->n - reader->at;
	if (left >= 2) {
		unsigned row = reader->v[reader->at] - (0x21U | high);
		unsigned cell = reader->v[reader->at + 1] - (0x21U | high);
		c = second_plane ? supplement_of(row, cell) : jis_of(charset, row, cell);
	}
	reader->at += c != 0xfffd ? 2 : 1;
	put(reader, c);
}

static void read_euc(const struct mime_charset *charset, struct reader *reader)
{
	while (more(reader)) {
		uint8_t byte = reader->v[reader->at];
		bool kana = byte == 0x8e && reader->at + 1 < reader->n &&
			    reader->v[reader->at + 1] >= 0xa1 && reader->v[reader->at + 1] <= 0xdf;
		if (byte < 0x80) {
			put(reader, next(reader));
		} else if (kana) {
			reader->at++;
			put(reader, 0xff61 + next(reader) - 0xa1U);
		} else if (byte == 0x8f && reader->at + 2 < reader->n) {
			reader->at++;
			put_jis(charset, reader, 0x80, true);
		} else if (byte >= 0xa1) {
			put_jis(charset, reader, 0x80, false);
		} else {
			reader->at++;
			put(reader, 0xfffd);
		}
	}
}

enum shift { SHIFT_ASCII, SHIFT_KANA, SHIFT_JIS, SHIFT_SUPPLEMENT };

// The shift that an escape orders; false: none that is known.
static bool read_escape(struct reader *reader, enum shift *shift)
{
	static const struct {
		const char *bytes;
		enum shift shift;
	} escapes[] = {
		{ "(B", SHIFT_ASCII }, { "(J", SHIFT_ASCII }, { "(H", SHIFT_ASCII },
		{ "(I", SHIFT_KANA },  { "$@", SHIFT_JIS },   { "$B", SHIFT_JIS },
		{ "$(B", SHIFT_JIS },  { "$(@", SHIFT_JIS },  { "$(D", SHIFT_SUPPLEMENT },
		{ "$(O", SHIFT_JIS },  { "$(Q", SHIFT_JIS }, // of JIS X 0213, which adds to it
	};
	for (size_t i = 0; i < sizeof(escapes) / sizeof(escapes[0]); i++) {
		size_t n = strlen(escapes[i].bytes);
		if (reader->n - reader->at < n ||
		    memcmp(reader->v + reader->at, escapes[i].bytes, n) != 0)
			continue;
		reader->at += n;
		*shift = escapes[i].shift;
		return true;
	}
	return false;
}

static void read_iso2022jp(const struct mime_charset *charset, struct reader *reader)
{
	enum shift shift = SHIFT_ASCII;
	while (more(reader)) {
		uint8_t byte = reader->v[reader->at];
		if (byte == 0x1b) {
			reader->at++;
			if (!read_escape(reader, &shift))
				put(reader, 0xfffd);
		} else if (byte == 0x0e || byte == 0x0f) {
			reader->at++;
			shift = byte == 0x0e ? SHIFT_KANA : SHIFT_ASCII;
		} else if (byte >= 0xa1 && byte <= 0xdf) { // JIS X 0201 in 8 bits
			put(reader, 0xff61 + next(reader) - 0xa1U);
		} else if (byte >= 0x80) {
			reader->at++;
			put(reader, 0xfffd);
		} else if (byte < 0x21 || shift == SHIFT_ASCII) {
			put(reader, next(reader));
		} else if (shift == SHIFT_KANA) {
			put(reader, byte < 0x60 ? 0xff61 + byte - 0x21U : 0xfffd);
			reader->at++;
		} else {
			put_jis(charset, reader, 0, shift == SHIFT_SUPPLEMENT);
		}
	}
}

// UTF-16 one unit after the other; *high is the first half of a pair, or 0.
static void put_unit(struct reader *reader, uint32_t unit, uint32_t *high)
{
	bool low = unit >= 0xdc00 && unit < 0xe000;
	if (*high && low) {
		put(reader, 0x10000 + ((*high - 0xd800) << 10) + (unit - 0xdc00));
		*high = 0;
		return;
	}
	if (*high)
		put(reader, 0xfffd);
	*high = unit >= 0xd800 && unit < 0xdc00 ? unit : 0;
	if (!*high)
		put(reader, low ? 0xfffd : unit);
}

static int base64_digit(uint8_t byte)
{
	if (byte >= 'A' && byte <= 'Z')
		return byte - 'A';
	if (byte >= 'a' && byte <= 'z')
		return byte - 'a' + 26;
	if (byte >= '0' && byte <= '9')
		return byte - '0' + 52;
	return byte == '+' ? 62 : byte == '/' ? 63 : -1;
}

static void read_utf7_run(struct reader *reader)
{
	uint32_t bits = 0, n_bits = 0, high = 0;
	int digit;
	while (more(reader) && (digit = base64_digit(reader->v[reader->at])) >= 0) {
		bits = (bits << 6 | (uint32_t)digit) & 0xffffff;
		n_bits += 6;
		reader->at++;
		if (n_bits < 16)
			continue;
		n_bits -= 16;
		put_unit(reader, bits >> n_bits & 0xffff, &high);
	}
	if (high)
		put(reader, 0xfffd);
	if (more(reader) && reader->v[reader->at] == '-')
		reader->at++;
}

// RFC 2152.
static void read_utf7(const struct mime_charset *charset, struct reader *reader)
{
	(void)charset;
	while (more(reader)) {
		uint8_t byte = next(reader);
		if (byte != '+') {
			put(reader, byte < 0x80 ? byte : 0xfffd);
		} else if (more(reader) && reader->v[reader->at] == '-') {
			reader->at++;
			put(reader, '+');
		} else {
			read_utf7_run(reader);
		}
	}
}

static void read_utf16_from(struct reader *reader, bool big)
{
	uint32_t high = 0;
	while (reader->n - reader->at >= 2) {
		uint32_t a = next(reader), b = next(reader);
		put_unit(reader, big ? a << 8 | b : b << 8 | a, &high);
	}
	if (high || more(reader))
		put(reader, 0xfffd);
	reader->at = reader->n;
}

static void read_utf16be(const struct mime_charset *charset, struct reader *reader)
{
	(void)charset;
	read_utf16_from(reader, true);
}

static void read_utf16le(const struct mime_charset *charset, struct reader *reader)
{
	(void)charset;
	read_utf16_from(reader, false);
}

static void read_utf16(const struct mime_charset *charset, struct reader *reader)
{
	bool little = reader->n >= 2 && reader->v[0] == 0xff && reader->v[1] == 0xfe;
	bool marked = little || (reader->n >= 2 && reader->v[0] == 0xfe && reader->v[1] == 0xff);
	(void)charset;
	reader->at = marked ? 2 : 0;
	read_utf16_from(reader, !little);
}

static void read_utf32_from(struct reader *reader, bool big)
{
	for (; reader->n - reader->at >= 4; reader->at += 4) {
		const uint8_t *v = reader->v + reader->at;
		uint32_t c = big ? (uint32_t)v[0] << 24 | (uint32_t)v[1] << 16 |
					     (uint32_t)v[2] << 8 | v[3]
				 : (uint32_t)v[3] << 24 | (uint32_t)v[2] << 16 |
					     (uint32_t)v[1] << 8 | v[0];
		put(reader, c <= 0x10ffff ? c : 0xfffd);
	}
	if (more(reader))
		put(reader, 0xfffd);
	reader->at = reader->n;
}

static void read_utf32be(const struct mime_charset *charset, struct reader *reader)
{
	(void)charset;
	read_utf32_from(reader, true);
}

static void read_utf32le(const struct mime_charset *charset, struct reader *reader)
{
	(void)charset;
	read_utf32_from(reader, false);
}

enum set {
	UTF8,
	UTF7,
	UTF16,
	UTF16BE,
	UTF16LE,
	UTF32BE,
	UTF32LE,
	SJIS,
	EUCJP,
	ISO2022JP,
	GBK,
	BIG5,
	UHC,
	CP1252,
	SINGLES, // the other sets of single bytes follow
	N_SETS = SINGLES + 32,
};

static struct mime_charset sets[N_SETS] = {
	[UTF8] = { .read = read_utf8 },
	[UTF7] = { .read = read_utf7 },
	[UTF16] = { .read = read_utf16 },
	[UTF16BE] = { .read = read_utf16be },
	[UTF16LE] = { .read = read_utf16le },
	[UTF32BE] = { .read = read_utf32be },
	[UTF32LE] = { .read = read_utf32le },
	[SJIS] = { .read = read_sjis, .iconv = "CP932", .pairs = true },
	[EUCJP] = { .read = read_euc },
	[ISO2022JP] = { .read = read_iso2022jp },
	[GBK] = { .read = read_pairs, .iconv = "GBK", .pairs = true },
	[BIG5] = { .read = read_pairs, .iconv = "BIG5", .pairs = true },
	[UHC] = { .read = read_pairs, .iconv = "UHC", .pairs = true },
	[CP1252] = { .read = read_single, .iconv = "CP1252" },
};

// iconv's names of sets of single bytes, and what mail may call them, in small letters and digits.
static const char *const singles[][4] = {
	{ "ISO-8859-2", "iso88592", "latin2" },
	{ "ISO-8859-3", "iso88593" },
	{ "ISO-8859-4", "iso88594" },
	{ "ISO-8859-5", "iso88595", "cyrillic" },
	{ "ISO-8859-6", "iso88596", "arabic" },
	{ "ISO-8859-7", "iso88597", "greek" },
	{ "ISO-8859-8", "iso88598", "iso88598i" },
	{ "ISO-8859-9", "iso88599", "latin5" },
	{ "ISO-8859-10", "iso885910" },
	{ "ISO-8859-11", "iso885911", "tis620" },
	{ "ISO-8859-13", "iso885913" },
	{ "ISO-8859-14", "iso885914" },
	{ "ISO-8859-15", "iso885915", "latin9" },
	{ "ISO-8859-16", "iso885916" },
	{ "CP1250", "windows1250", "cp1250" },
	{ "CP1251", "windows1251", "cp1251" },
	{ "CP1253", "windows1253", "cp1253" },
	{ "CP1254", "windows1254", "cp1254" },
	{ "CP1255", "windows1255", "cp1255" },
	{ "CP1256", "windows1256", "cp1256" },
	{ "CP1257", "windows1257", "cp1257" },
	{ "CP1258", "windows1258", "cp1258" },
	{ "CP874", "windows874", "cp874" },
	{ "KOI8-R", "koi8r" },
	{ "KOI8-U", "koi8u" },
	{ "CP437", "ibm437", "cp437" },
	{ "CP850", "ibm850", "cp850" },
	{ "CP852", "ibm852", "cp852" },
	{ "CP866", "ibm866", "cp866" },
	{ "MACINTOSH", "macintosh", "xmacroman" },
};
_Static_assert(sizeof(singles) / sizeof(singles[0]) <= N_SETS - SINGLES, "a place for each");

static const struct {
	const char *name;
	enum set set;
} names[] = {
	{ "utf8", UTF8 },
	{ "unicode11utf8", UTF8 },
	{ "utf7", UTF7 },
	{ "unicode11utf7", UTF7 },
	{ "utf16", UTF16 },
	{ "utf16be", UTF16BE },
	{ "utf16le", UTF16LE },
	{ "unicode", UTF16 },
	{ "iso10646ucs2", UTF16 },
	{ "ucs2", UTF16 },
	{ "utf32", UTF32BE },
	{ "utf32be", UTF32BE },
	{ "utf32le", UTF32LE },
	{ "shiftjis", SJIS },
	{ "xshiftjis", SJIS },
	{ "sjis", SJIS },
	{ "xsjis", SJIS },
	{ "mskanji", SJIS },
	{ "cp932", SJIS },
	{ "ms932", SJIS },
	{ "windows31j", SJIS },
	{ "cswindows31j", SJIS },
	{ "csshiftjis", SJIS },
	{ "shiftjisx0213", SJIS },
	{ "shiftjis2004", SJIS },
	{ "eucjp", EUCJP },
	{ "xeucjp", EUCJP },
	{ "xeuc", EUCJP },
	{ "ujis", EUCJP },
	{ "eucjpms", EUCJP },
	{ "eucjisx0213", EUCJP },
	{ "eucjis2004", EUCJP },
	{ "cp51932", EUCJP },
	{ "cseucpkdfmtjapanese", EUCJP },
	{ "iso2022jp", ISO2022JP },
	{ "iso2022jp1", ISO2022JP },
	{ "iso2022jp2", ISO2022JP },
	{ "iso2022jp3", ISO2022JP },
	{ "iso2022jp2004", ISO2022JP },
	{ "iso2022jpms", ISO2022JP },
	{ "csiso2022jp", ISO2022JP },
	{ "cp50220", ISO2022JP },
	{ "cp50221", ISO2022JP },
	{ "cp50222", ISO2022JP },
	{ "jis", ISO2022JP },
	{ "jis7", ISO2022JP },
	{ "gb2312", GBK },
	{ "gbk", GBK },
	{ "xgbk", GBK },
	{ "gb18030", GBK },
	{ "cp936", GBK },
	{ "euccn", GBK },
	{ "big5", BIG5 },
	{ "big5hkscs", BIG5 },
	{ "cp950", BIG5 },
	{ "cnbig5", BIG5 },
	{ "euckr", UHC },
	{ "uhc", UHC },
	{ "cp949", UHC },
	{ "ksc56011987", UHC },
	{ "ksc5601", UHC },
	{ "iso88591", CP1252 }, // what says so is of Windows more often than not
	{ "latin1", CP1252 },
	{ "windows1252", CP1252 },
	{ "cp1252", CP1252 },
};

static const struct mime_charset *loaded(enum set set)
{
	static const enum set shared[N_SETS] = { [EUCJP] = SJIS, [ISO2022JP] = SJIS };
	enum set of = shared[set] ? shared[set] : set;
	return sets[of].iconv && !sets[of].table ? NULL : &sets[set];
}

const struct mime_charset *mime_charset_find(struct mime_span span)
{
	char name[NAME_MAX_BYTES];
	size_t n = 0;
	for (size_t i = 0; i < span.n; i++) {
		uint8_t byte = mime_lower((uint8_t)span.v[i]);
		bool counts = (byte >= 'a' && byte <= 'z') || (byte >= '0' && byte <= '9');
		if (counts && n + 1 < sizeof(name))
			name[n++] = (char)byte;
	}
	name[n] = '\0';
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(names[i].name, name) == 0)
			return loaded(names[i].set);
	for (size_t i = 0; i < sizeof(singles) / sizeof(singles[0]); i++)
		for (size_t k = 1; k < 4 && singles[i][k]; k++)
			if (strcmp(singles[i][k], name) == 0)
				return loaded(SINGLES + i);
	return NULL;
}

bool mime_charset_is_wide(const struct mime_charset *charset)
{
	return charset >= &sets[UTF16] && charset <= &sets[UTF32LE];
}

bool mime_charset_read(const struct mime_charset *charset, struct mime_span bytes,
		       struct mime_text *out)
{
	struct reader reader = { (const uint8_t *)bytes.v, bytes.n, 0, out, true };
	// The three of Japan read one table; they are told it here.
	struct mime_charset with = *charset;
	with.table = charset->iconv ? charset->table : sets[SJIS].table;
	out->store->work += bytes.n;
	charset->read(&with, &reader);
	return reader.sound;
}

static bool fits(enum set set, struct mime_span bytes, struct mime_store *store)
{
	struct mime_text out = { .store = store };
	bool sound = loaded(set) && mime_charset_read(&sets[set], bytes, &out);
	mime_text_done(&out);
	return sound;
}

size_t mime_charset_guess(struct mime_store *store, struct mime_span bytes,
			  const struct mime_charset *ret[MIME_GUESSES], bool *ret_sure)
{
	size_t n = 0, bad;
	*ret_sure = true;
	store->work += bytes.n;
	if (bytes.n && memchr(bytes.v, 0x1b, bytes.n) && loaded(ISO2022JP)) {
		ret[n++] = &sets[ISO2022JP];
		return n;
	}
	if (text_is_utf8(bytes.v, bytes.n, &bad)) {
		ret[n++] = &sets[UTF8];
		return n;
	}
	if (fits(EUCJP, bytes, store))
		ret[n++] = &sets[EUCJP];
	if (fits(SJIS, bytes, store))
		ret[n++] = &sets[SJIS];
	if (!n) {
		*ret_sure = false;
		ret[n++] = loaded(CP1252) ? &sets[CP1252] : &sets[UTF8];
	}
	return n;
}

// The one code point of the basic plane that bytes stand for; 0: none.
static uint16_t convert(iconv_t converter, const uint8_t *bytes, size_t n)
{
	uint8_t units[8];
	char *in = (char *)bytes, *out = (char *)units;
	size_t in_left = n, out_left = sizeof(units);
	iconv(converter, NULL, NULL, NULL, NULL);
	if (iconv(converter, &in, &in_left, &out, &out_left) == (size_t)-1 || in_left ||
	    out_left != sizeof(units) - 2)
		return 0;
	return (uint16_t)(units[0] << 8 | units[1]);
}

static void fill_pairs(iconv_t converter, uint16_t *table)
{
	for (unsigned lead = LEAD_MIN; lead < 0xff; lead++)
		for (unsigned trail = TRAIL_MIN; trail < 0xff; trail++)
			table[(lead - LEAD_MIN) * TRAILS + trail - TRAIL_MIN] =
				convert(converter, (uint8_t[]){ (uint8_t)lead, (uint8_t)trail }, 2);
}

static void fill_single(iconv_t converter, uint16_t *table)
{
	for (unsigned byte = 0x80; byte < 256; byte++)
		table[byte] = convert(converter, (uint8_t[]){ (uint8_t)byte }, 1);
}

static void fill_supplement(iconv_t converter, uint16_t *table)
{
	for (unsigned row = 0; row < ROWS; row++)
		for (unsigned cell = 0; cell < ROWS; cell++)
			table[row * ROWS + cell] = convert(converter,
							   (uint8_t[]){ 0x8f, (uint8_t)(row + 0xa1),
									(uint8_t)(cell + 0xa1) },
							   3);
}

static int load(const char *name, void (*fill)(iconv_t, uint16_t *), size_t size, uint16_t **ret)
{
	iconv_t converter = iconv_open("UTF-16BE", name);
	if (converter == (iconv_t)-1)
		return -errno;
	uint16_t *table = calloc(size, sizeof(*table));
	if (table) {
		fill(converter, table);
		*ret = table;
	}
	iconv_close(converter);
	return table ? 0 : -ENOMEM;
}

int mime_load_charsets(void)
{
	int r = 0;
	for (size_t i = 0; i < sizeof(singles) / sizeof(singles[0]); i++)
		sets[SINGLES + i].read = read_single, sets[SINGLES + i].iconv = singles[i][0];
	for (size_t i = 0; i < N_SETS && r == 0; i++)
		if (sets[i].iconv && !sets[i].table)
			r = sets[i].pairs ? load(sets[i].iconv, fill_pairs, PAIRS, &sets[i].table)
					  : load(sets[i].iconv, fill_single, 256, &sets[i].table);
	if (r == 0 && !supplement)
		r = load("EUC-JP", fill_supplement, (size_t)ROWS * ROWS, &supplement);
	return r;
}
