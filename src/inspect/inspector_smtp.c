// The inspector of SMTP.
#include "inspect/stream.h"

int inspector_new(const struct inspector_options *options, struct inspector **ret_inspector)
{
	static const struct engine_kind smtp = { engine_new,	  engine_free,	 engine_feed,
						 engine_closed,	  engine_memory, engine_scanned,
						 engine_scan_room };

	return inspector_new_with(options, &smtp, ret_inspector);
}
