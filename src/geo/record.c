// A stack of maps, arrays and pointers under way; no recursion.
#include "geo/record.h"

#include <errno.h>
#include <stdbool.h>

enum type {
	TYPE_EXTENDED,
	TYPE_POINTER,
	TYPE_TEXT,
	TYPE_DOUBLE,
	TYPE_BYTES,
	TYPE_U16,
	TYPE_U32,
	TYPE_MAP,
	TYPE_I32,
	TYPE_U64,
	TYPE_U128,
	TYPE_ARRAY,
	TYPE_CONTAINER,
	TYPE_END,
	TYPE_BOOL,
	TYPE_FLOAT,
	TYPE_COUNT,
};

// How many bytes a value of the type may say it has; 0: as many as it likes.
static const uint8_t sizes_max[TYPE_COUNT] = {
	[TYPE_DOUBLE] = 8, [TYPE_U16] = 2,   [TYPE_U32] = 4,  [TYPE_I32] = 4,
	[TYPE_U64] = 8,	   [TYPE_U128] = 16, [TYPE_BOOL] = 1, [TYPE_FLOAT] = 4,
};

struct section {
	const uint8_t *bytes;
	size_t size;
};

struct head { // of a value
	enum type type;
	size_t size;   // bytes; entries of a map or array; target of a pointer
	size_t behind; // offset of what follows the head
};

struct frame {
	size_t offset;
	uint64_t left; // values still to come
	bool pointed;  // the frame below goes on where it was
};

static bool take(const struct section *section, size_t *at, unsigned n, size_t *ret)
{
	size_t value = 0;

	if (*at > section->size || n > section->size - *at)
		return false;
	while (n--)
		value = value << 8 | section->bytes[(*at)++];
	*ret = value;
	return true;
}

static bool read_pointer(const struct section *section, unsigned control, struct head *head)
{
	static const size_t bases[] = { 0, 2048, 526336, 0 };
	unsigned length = control >> 3 & 3;
	size_t low;

	if (!take(section, &head->behind, length + 1, &low))
		return false;
	head->size = low + bases[length];
	if (length < 3)
		head->size += (size_t)(control & 7) << 8 * (length + 1);
	return head->size < section->size;
}

static bool read_head(const struct section *section, size_t at, struct head *ret)
{
	static const size_t bases[] = { 29, 285, 65821 };
	struct head head = { .behind = at };
	size_t control, more;

	if (!take(section, &head.behind, 1, &control))
		return false;
	head.type = (enum type)(control >> 5);
	head.size = control & 31;
	if (head.type == TYPE_EXTENDED) {
		if (!take(section, &head.behind, 1, &more) || more + 7 >= TYPE_COUNT ||
		    more + 7 <= TYPE_MAP)
			return false;
		head.type = (enum type)(more + 7);
	}
	if (head.type == TYPE_POINTER) {
		if (!read_pointer(section, (unsigned)control, &head))
			return false;
	} else if (head.size >= 29) {
		unsigned n = (unsigned)head.size - 28;

		if (!take(section, &head.behind, n, &more))
			return false;
		head.size = more + bases[n - 1];
	}
	*ret = head;
	return true;
}

// Puts what the value holds on the stack, or steps over it.
static bool step_in(const struct section *section, const struct head *head, struct frame *top)
{
	struct frame *next = top + 1;
	struct head target;

	top->offset = head->behind;
	switch (head->type) {
	case TYPE_POINTER:
		if (!read_head(section, head->size, &target) || target.type == TYPE_POINTER)
			return false;
		*next = (struct frame){ head->size, 1, true };
		return true;
	case TYPE_MAP:
		*next = (struct frame){ head->behind, 2 * (uint64_t)head->size, false };
		return true;
	case TYPE_ARRAY:
		*next = (struct frame){ head->behind, head->size, false };
		return true;
	case TYPE_BOOL: // its size is its value
		*next = (struct frame){ head->behind, 0, false };
		return head->size <= sizes_max[TYPE_BOOL];
	case TYPE_CONTAINER:
	case TYPE_END:
		return false;
	default:
		*next = (struct frame){ head->behind + head->size, 0, false };
		return (!sizes_max[head->type] || head->size <= sizes_max[head->type]) &&
		       head->size <= section->size - head->behind;
	}
}

int record_check(const uint8_t *bytes, size_t size, size_t offset, uint64_t *steps)
{
	const struct section section = { bytes, size };
	struct frame stack[RECORD_DEPTH_MAX + 1] = { { offset, 1, false } };
	size_t depth = 0;
	struct head head;

	for (unsigned values = 0;;) {
		struct frame *top = &stack[depth];

		if (top->left == 0) {
			if (depth == 0)
				return 0;
			if (!top->pointed)
				stack[depth - 1].offset = top->offset;
			depth--;
			continue;
		}
		top->left--;
		(*steps)++;
		if (++values > RECORD_VALUES_MAX || depth == RECORD_DEPTH_MAX ||
		    !read_head(&section, top->offset, &head) || !step_in(&section, &head, top))
			return -EBADMSG;
		depth++;
	}
}
