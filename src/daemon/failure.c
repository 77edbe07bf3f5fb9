// Why something could not be done.
#include "daemon/failure.h"

#include <stdarg.h>
#include <stdio.h>

int failure_set(struct failure *failure, enum diag_code code, int error, const char *format, ...)
{
	va_list args;
	*failure = (struct failure){ .code = code };
	va_start(args, format);
	vsnprintf(failure->text, sizeof(failure->text), format, args);
	va_end(args);
	return error;
}
