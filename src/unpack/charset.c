// The converters of the C library, loaded once; each is asked whether all of a name is its own.
#include "unpack/charset.h"

#include <errno.h>
#include <iconv.h>
#include <string.h>

#include "base/text.h"

// In the order in which a reading is preferred.
static struct {
	const char *name;
	iconv_t converter;
	bool loaded;
} charsets[] = { { .name = "CP932" }, { .name = "EUC-JP" }, { .name = "ISO-8859-1" } };
enum { CHARSETS = 2, LOADED = sizeof(charsets) / sizeof(charsets[0]), RAW_MAX = 4096 };
// The last is for libarchive alone, which asks the C library for it: then it is there.

int charset_load(void)
{
	for (size_t i = 0; i < LOADED; i++) {
		if (charsets[i].loaded)
			continue;
		charsets[i].converter = iconv_open("UTF-8", charsets[i].name);
		if (charsets[i].converter == (iconv_t)-1)
			return -errno;
		charsets[i].loaded = true;
	}
	return 0;
}

void charset_unload(void)
{
	for (size_t i = 0; i < LOADED; i++) {
		if (charsets[i].loaded)
			iconv_close(charsets[i].converter);
		charsets[i].loaded = false;
	}
}

// EUC-JP takes the first bytes of CP932 for control characters, which no name has.
static bool has_c1(const char *text)
{
	for (uint32_t point; (point = text_next(&text)) != 0;)
		if (point >= 0x80 && point < 0xa0)
			return true;
	return false;
}

static bool convert(size_t index, const char *bytes, size_t n, char *out)
{
	char *in = (char *)bytes, *to = out;
	size_t left = n, room = UNPACK_NAME_MAX;
	if (!charsets[index].loaded)
		return false;
	iconv(charsets[index].converter, NULL, NULL, NULL, NULL);
	if (iconv(charsets[index].converter, &in, &left, &to, &room) == (size_t)-1 || left)
		return false;
	*to = '\0';
	return !has_c1(out);
}

size_t charset_put(uint32_t point, char *out, size_t room)
{
	static const uint8_t leads[] = { 0, 0, 0xc0, 0xe0, 0xf0 };
	size_t n = point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
	if (n > room)
		return 0;
	for (size_t i = n; i > 1; i--, point >>= 6)
		out[i - 1] = (char)(0x80 | (point & 0x3f));
	out[0] = (char)(n == 1 ? point : leads[n] | point);
	return n;
}

// As it stands, with U+FFFD for what is no UTF-8.
static void copy(const char *bytes, char *out)
{
	size_t n = 0;
	for (uint32_t point; (point = text_next(&bytes)) != 0;) {
		size_t length = charset_put(point, out + n, UNPACK_NAME_MAX - n);
		if (!length)
			break;
		n += length;
	}
	out[n] = '\0';
}

void charset_read(const uint8_t *bytes, size_t n, bool utf8, struct charset_name *ret)
{
	char raw[RAW_MAX + 1], again[UNPACK_NAME_MAX + 1];
	ret->kinds = 0;
	ret->shown[0] = ret->other[0] = '\0';
	if (memchr(bytes, 0, n)) // some readers end there, others go on
		ret->kinds |= UNPACK_MISLEADING;
	if (n > UNPACK_NAME_MAX) { // its end is what says what it is
		bytes += n - UNPACK_NAME_MAX / 2;
		n = UNPACK_NAME_MAX / 2;
		while (n && (*bytes & 0xc0) == 0x80)
			bytes++, n--;
		ret->kinds |= UNPACK_MISLEADING;
	}
	memcpy(raw, bytes, n);
	raw[n] = '\0';
	for (size_t i = 0; i < n; i++)
		if (!raw[i])
			raw[i] = 1;
	size_t bad, high = 0;
	for (size_t i = 0; i < n; i++)
		high += bytes[i] >= 0x80;
	bool valid = text_is_utf8(raw, n, &bad);
	if (valid)
		copy(raw, ret->shown);
	for (size_t i = 0; i < CHARSETS && high && !ret->other[0]; i++) {
		if (!convert(i, raw, n, again) || (utf8 && valid))
			continue;
		strcpy(ret->shown[0] ? ret->other : ret->shown, again);
	}
	if (!ret->shown[0]) { // each byte may become three: its end, again
		size_t skip = n > UNPACK_NAME_MAX / 3 ? n - UNPACK_NAME_MAX / 3 : 0;
		copy(raw + skip, ret->shown);
	}
}

size_t charset_utf16(const uint8_t *bytes, size_t n, char *out, size_t max)
{
	size_t length = 0;
	for (size_t i = 0; i + 1 < n; i += 2) {
		uint32_t point = bytes[i] | (uint32_t)bytes[i + 1] << 8;
		uint32_t low = i + 3 < n ? bytes[i + 2] | (uint32_t)bytes[i + 3] << 8 : 0;
		if (!point)
			break;
		if ((point & 0xfc00) == 0xd800 && (low & 0xfc00) == 0xdc00) {
			point = 0x10000 + ((point & 0x3ff) << 10 | (low & 0x3ff));
			i += 2;
		} else if ((point & 0xf800) == 0xd800) {
			point = 0xfffd;
		}
		size_t put = charset_put(point, out + length, max - 1 - length);
		if (!put)
			break;
		length += put;
	}
	out[length] = '\0';
	return length;
}
