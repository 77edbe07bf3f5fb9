// The inspector of SMTP.
#include "inspect/stream.h"

int inspector_new(const struct inspector_options *options, struct inspector **ret_inspector)
{
	static const struct engine_kind smtp = {
		.make = engine_new,
		.free = engine_free,
		.feed = engine_feed,
		.closed = engine_closed,
		.memory = engine_memory,
		.scanned = engine_scanned,
		.scan_room = engine_scan_room,
		.opened = engine_opened,
		.failed = engine_failed,
		.agreed = engine_agreed,
		.late = engine_late,
		.patience = engine_patience,
		.held = engine_held,
		.hold_room = engine_hold_room,
	};

	return inspector_new_with(options, &smtp, ret_inspector);
}
