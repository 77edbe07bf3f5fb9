#include "policy/text.h"
int text_check(const char *name, const char *bytes, size_t size, struct arena *arena,
	       struct diag *diag, struct text_checked *ret_text)
{
	(void)name, (void)arena, (void)diag;
	*ret_text = (struct text_checked){ .bytes = bytes, .size = size };
	return 0;
}
