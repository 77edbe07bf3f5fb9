// The inspector of SMTP.
#include "inspect/stream.h"

enum { ENGINE_MEMORY = 1024 }; // of an engine that waits for the next command: about 600

int inspector_new(const struct inspector_options *options, struct inspector **ret_inspector)
{
	static const struct engine_kind smtp = { engine_new, engine_free, engine_feed,
						 engine_closed, ENGINE_MEMORY };

	return inspector_new_with(options, &smtp, ret_inspector);
}
