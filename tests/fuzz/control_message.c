// Packets of a stranger: head, fields, rows, the method's table; what is taken writes back the
// same.
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "control/message.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void write_back(const uint8_t *fields, size_t size)
{
	struct control_reader reader;
	struct control_writer writer;
	struct control_raw raw;
	char text[CTL_TEXT_MAX + 1];

	control_reader_init(&reader, fields, size);
	control_writer_init(&writer, size);
	while (control_read(&reader, &raw) > 0) {
		if (raw.type == CTL_TEXT) {
			memcpy(text, raw.bytes, raw.length);
			text[raw.length] = '\0';
			control_put_text(&writer, raw.tag, text);
		} else if (raw.type == CTL_MARK) {
			control_put_mark(&writer, raw.tag);
		} else {
			control_put_u64(&writer, raw.tag, raw.number);
		}
	}
	if (writer.error || writer.size != size ||
	    (size && memcmp(writer.bytes, fields, size) != 0))
		abort();
	control_writer_done(&writer);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct control_head head;
	struct control_rows rows;

	if (control_head_read(bytes, size, &head) < 0)
		return 0;
	if (control_rows_read(bytes + sizeof(head), head.length, CTL_REPLY_FIELDS_MAX, &rows) < 0)
		return 0;
	write_back(bytes + sizeof(head), head.length);
	control_check_request(head.method, &rows);
	control_check_reply(head.method, &rows);
	control_rows_done(&rows);
	return 0;
}
