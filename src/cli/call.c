// Calling the daemon, and its replies as JSON and text.
#include "cli/call.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/exit.h"
#include "cli/load.h"

static struct {
	char path[PATH_MAX];
	struct control_client *client;
	int error;
} dialled;

static int tell_unreachable(const char *path, int error)
{
	if (error == -EACCES)
		fprintf(stderr, "sekisho: %s may not be opened by you\n", path);
	else if (error == -ETIMEDOUT)
		fprintf(stderr,
			"sekisho: SK690 sekishod has %s open and gives no answer: it hangs or is "
			"stopped\n",
			path);
	else if (control_exit_of(error) == EXIT_NO_DAEMON)
		fprintf(stderr, "sekisho: SK690 sekishod does not answer on %s (%s)\n", path,
			strerror(-error));
	else
		fprintf(stderr, "sekisho: talking to sekishod on %s: %s\n", path, strerror(-error));
	return control_exit_of(error);
}

void cli_dial(const char *path)
{
	snprintf(dialled.path, sizeof(dialled.path), "%s", path);
	dialled.error = control_connect(path, &dialled.client);
}

static int connect_to(const char *path, struct control_client **ret_client)
{
	int r = dialled.error;

	if (strcmp(dialled.path, path) != 0 || (!dialled.client && r == 0))
		return control_connect(path, ret_client);
	*ret_client = dialled.client;
	dialled.client = NULL;
	return r;
}

int cli_call(const struct cli *cli, enum control_method method,
	     const struct control_writer *request, int fd, struct control_reply *ret_reply,
	     bool *ret_answered)
{
	const char *given = cli_value(cli, OPT_SOCKET);
	const char *path = given ? given : CONTROL_SOCKET_DEFAULT;
	struct control_client *client = NULL;
	int r;

	*ret_reply = (struct control_reply){ 0 };
	*ret_answered = false;
	r = connect_to(path, &client);
	if (r < 0)
		return tell_unreachable(path, r);
	r = control_call(client, method, request, fd, ret_reply);
	control_close(client);
	if (r == 0 && !cli->json)
		r = control_rows_show(&ret_reply->rows, TEXT_LINES);
	if (r < 0)
		return tell_unreachable(path, r);
	*ret_answered = true;
	if (control_reply_error(ret_reply))
		fprintf(stderr, "sekisho: %s\n", control_reply_error(ret_reply));
	return control_reply_exit(ret_reply);
}

static void local_time(uint64_t usec, const char *format, char *out, size_t size)
{
	time_t seconds = (time_t)(usec / 1000000);
	struct tm tm;

	if (!localtime_r(&seconds, &tm) || strftime(out, size, format, &tm) == 0)
		out[0] = '\0';
}

const char *cli_time_text(uint64_t usec, char out[40])
{
	if (usec == 0)
		return strcpy(out, "never");
	local_time(usec, "%Y-%m-%d %H:%M:%S %z", out, 40);
	return out;
}

const char *cli_join(const struct control_row *row, enum control_tag tag, char *out, size_t size)
{
	out[0] = '\0';
	for (size_t i = 0; i < row->n; i++) {
		size_t used = strlen(out);

		if (row->v[i].tag == tag)
			snprintf(out + used, size - used, "%s%s", used ? ", " : "", row->v[i].text);
	}
	return out;
}

static struct json_object *field_json(const struct control_field *field)
{
	char text[40];
	size_t end;

	switch (field->type) {
	case CTL_U64:
		return json_object_new_uint64(field->number);
	case CTL_BOOL:
		return json_object_new_boolean(field->number != 0);
	case CTL_TIME:
		if (field->number == 0)
			return NULL;
		local_time(field->number, "%Y-%m-%dT%H:%M:%S%z", text, sizeof(text));
		end = strlen(text);
		if (end > 2) { // "+0900" is "+09:00" in RFC 3339
			memmove(text + end - 1, text + end - 2, 3);
			text[end - 2] = ':';
		}
		return json_object_new_string(text);
	default:
		return json_object_new_string(field->text ? field->text : "");
	}
}

struct json_object *cli_row_json(const struct control_row *row)
{
	struct json_object *object = json_object_new_object();

	for (size_t i = 0; i < row->n; i++) {
		const struct control_tag_info *info = control_tag_info(row->v[i].tag);
		struct json_object *array = NULL;

		if (!info || row->v[i].tag == CTL_ROW)
			continue;
		if (!info->repeats) {
			json_object_object_add(object, info->name, field_json(&row->v[i]));
			continue;
		}
		if (!json_object_object_get_ex(object, info->name, &array)) {
			array = json_object_new_array();
			json_object_object_add(object, info->name, array);
		}
		json_object_array_add(array, field_json(&row->v[i]));
	}
	return object;
}

struct json_object *cli_reply_json(const struct control_reply *reply, const char *rows_key)
{
	struct json_object *object = cli_row_json(control_reply_fields(reply));
	struct json_object *rows;

	if (!rows_key)
		return object;
	rows = json_object_new_array();
	for (size_t i = 0; i < control_reply_rows(reply); i++)
		json_object_array_add(rows, cli_row_json(control_reply_row(reply, i)));
	json_object_object_add(object, rows_key, rows);
	return object;
}

static void print_place(const struct control_row *row, enum control_tag file, enum control_tag line,
			enum control_tag column, enum control_tag column_end)
{
	if (*control_text(row, file))
		fprintf(stderr, "%s:", control_text(row, file));
	if (control_u64(row, line))
		fprintf(stderr, "%llu:%llu", (unsigned long long)control_u64(row, line),
			(unsigned long long)control_u64(row, column));
	if (control_u64(row, column_end) > control_u64(row, column))
		fprintf(stderr, "-%llu", (unsigned long long)control_u64(row, column_end));
	if (*control_text(row, file))
		fputs(control_u64(row, line) ? ": " : " ", stderr);
}

void cli_print_diagnostic(const struct control_row *row)
{
	print_place(row, CTL_FILE, CTL_LINE, CTL_COLUMN, CTL_COLUMN_END);
	fprintf(stderr, "SK%03llu %s%s\n", (unsigned long long)control_u64(row, CTL_CODE),
		strcmp(control_text(row, CTL_SEVERITY), "warning") == 0 ? "warning: " : "",
		control_text(row, CTL_MESSAGE));
	if (!*control_text(row, CTL_SECOND_MESSAGE))
		return;
	print_place(row, CTL_SECOND_FILE, CTL_SECOND_LINE, CTL_SECOND_COLUMN,
		    CTL_SECOND_COLUMN_END);
	fprintf(stderr, "note: %s\n", control_text(row, CTL_SECOND_MESSAGE));
}

int cli_show(const struct cli *cli, enum control_method method, struct control_writer *request,
	     const char *rows_key, void (*print)(const struct control_reply *reply))
{
	struct control_reply reply;
	bool answered;
	int status = cli_call(cli, method, request, -1, &reply, &answered);

	if (request)
		control_writer_done(request);
	if (!answered)
		return status;
	if (cli->json)
		cli_json_print(cli_reply_json(&reply, rows_key));
	else if (status == EXIT_FINE)
		print(&reply);
	control_reply_done(&reply);
	return status;
}
