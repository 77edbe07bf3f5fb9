// Check what is asked, have the vault do it, record it, pass on what it says.
#include "daemon/method_held.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/exit.h"
#include "daemon/isolation.h"
#include "daemon/journal.h"
#include "daemon/record.h"
#include "daemon/report.h"
#include "daemon/vault_decide.h"
#include "daemon/vault_private.h"
#include "daemon/vault_show.h"

struct asking {
	struct methods *methods;
	struct control_token token;
	enum control_method method;
	struct control_peer peer;
	char reason[HELD_REASON_MAX];
	int file; // of a list; -1
};

static void refuse(const struct asking *asking, enum exit_status status, const char *text)
{
	control_server_refuse(asking->methods->server, asking->token, status, "%s", text);
}

static void done(struct asking *asking)
{
	if (asking->file >= 0)
		close(asking->file);
	free(asking);
}

// --- lists

static int read_rows(const struct asking *asking, struct control_rows *ret)
{
	struct stat st;
	uint8_t *bytes;
	int r;
	if (fstat(asking->file, &st) < 0)
		return -errno;
	if (st.st_size > VAULT_SHOW_BYTES)
		return -E2BIG;
	bytes = malloc((size_t)st.st_size + 1);
	if (!bytes)
		return -ENOMEM;
	r = pread(asking->file, bytes, (size_t)st.st_size, 0) == (ssize_t)st.st_size ? 0 : -EIO;
	if (r == 0)
		r = control_rows_read(bytes, (size_t)st.st_size, CTL_REPLY_FIELDS_MAX, ret);
	free(bytes);
	if (r < 0)
		return r;
	r = control_check_reply(asking->method, ret) < 0 ? -EBADMSG : 0;
	// Peers wrote these words: nobody's terminal is steered by them, and nothing is hidden.
	if (r == 0)
		r = control_rows_show(ret, TEXT_WORDS);
	if (r < 0)
		control_rows_done(ret);
	return r;
}

static void on_listed(void *arg, const struct vault_word *word)
{
	struct asking *asking = arg;
	struct control_writer reply;
	struct control_rows rows;
	int r = word && word->error == 0 ? read_rows(asking, &rows) : -EIO;
	if (!word) {
		refuse(asking, EXIT_FAILED, "the vault of held mail is gone; try again");
	} else if (word->error < 0) {
		refuse(asking, EXIT_FAILED, word->text);
	} else if (r < 0) {
		refuse(asking, EXIT_FAILED, "what the vault of held mail said made no sense");
	} else {
		control_writer_init(&reply, CTL_REPLY_MAX);
		report_put_row(&reply, &rows.v[0]);
		report_put_rows(&reply, &rows);
		control_server_answer(asking->methods->server, asking->token, &reply);
		control_rows_done(&rows);
	}
	done(asking);
}

// Who reads what is kept of persons is on the disk before he does.
static int record_look_up(struct gate *gate, const struct control_request *request, uint64_t number)
{
	char name[CONTROL_PEER_NAME_MAX], text[64] = "held messages";
	struct record_state state;
	struct event event;
	if (number)
		snprintf(text, sizeof(text), "held message %llu", (unsigned long long)number);
	event_init(&event, EVENT_MAIL_READ, journal_now_usec());
	control_event_actor(&event, &request->peer, name);
	event_text(&event, EVENT_METHOD, control_method_info(request->method)->name);
	event_text(&event, EVENT_MESSAGE, text);
	event_text(&event, EVENT_REASON, control_text(request->fields, CTL_REASON));
	journal_write(gate->journal, &event);
	int r = journal_flush(gate->journal, GATE_FLUSH_MS);
	record_state(gate, &state);
	return r < 0 || strcmp(state.word, "written") != 0 ? -EIO : 0;
}

// --- asking

static struct asking *begin(struct methods *methods, const struct control_request *request)
{
	struct asking *asking = calloc(1, sizeof(*asking));
	if (!asking) {
		control_server_refuse(methods->server, request->token, EXIT_FAILED, "no memory");
		return NULL;
	}
	asking->methods = methods;
	asking->token = request->token;
	asking->method = request->method;
	asking->peer = request->peer;
	asking->file = -1;
	isolated_text(asking->reason, sizeof(asking->reason),
		      control_text(request->fields, CTL_REASON));
	return asking;
}

static void ask(struct asking *asking, struct vault_order *order, vault_answered *answered)
{
	struct gate *gate = asking->methods->gate;
	int r = vault_ask(gate, order, &asking->file, asking->file >= 0, answered, asking);
	if (r == 0)
		return;
	refuse(asking, EXIT_FAILED,
	       r == -EAGAIN ? "the vault of held mail is not at work; \"sekisho status\" says why, "
			      "else try again"
			    : strerror(-r));
	done(asking);
}

void method_mail_held(struct methods *methods, struct control_request *request)
{
	struct vault_order order = {
		.word = VAULT_LIST,
		.number = control_u64(request->fields, CTL_HELD),
		.all = strcmp(control_text(request->fields, CTL_STATE), "all") == 0,
	};
	struct asking *asking;
	if (record_look_up(methods->gate, request, order.number) < 0) {
		control_server_refuse(methods->server, request->token, EXIT_FAILED,
				      "SK720 the audit log cannot be written, and nobody reads "
				      "of mail without being recorded");
		return;
	}
	asking = begin(methods, request);
	if (!asking)
		return;
	asking->file = memfd_create("sekisho-held", MFD_CLOEXEC);
	if (asking->file < 0) {
		refuse(asking, EXIT_FAILED, strerror(errno));
		done(asking);
		return;
	}
	ask(asking, &order, on_listed);
}

// --- decisions

static void on_decided(void *arg, const struct vault_word *word)
{
	struct asking *asking = arg;
	struct methods *methods = asking->methods;
	struct control_writer reply;
	if (!word || word->error < 0) {
		refuse(asking, EXIT_FAILED,
		       word ? word->text
			    : "the vault of held mail is gone; look what became of it");
		done(asking);
		return;
	}
	vault_tell(methods->gate, word, &asking->peer, asking->reason);
	if (word->outcome == VAULT_ASKED) {
		control_server_refuse(methods->server, asking->token, EXIT_APPROVAL,
				      "noted; the policy wants two persons: within %d minutes %s",
				      VAULT_ASKED_SECONDS / 60,
				      control_second_words(asking->peer.uid,
							   asking->peer.login_uid));
	} else {
		control_writer_init(&reply, CTL_REPLY_MAX);
		control_put_u64(&reply, CTL_HELD, word->number);
		control_put_text(&reply, CTL_STATE,
				 held_state_word(word->outcome == VAULT_WAS_RELEASED
							 ? HELD_RELEASED
							 : HELD_REJECTED));
		control_server_answer(methods->server, asking->token, &reply);
	}
	done(asking);
}

static void decide(struct methods *methods, struct control_request *request,
		   enum vault_order_word word)
{
	struct vault_order order = {
		.word = word,
		.number = control_u64(request->fields, CTL_HELD),
		.person = { .us = journal_now_usec(),
			    .uid = request->peer.uid,
			    .login_uid = request->peer.login_uid },
	};
	struct asking *asking;
	if (!order.number || !*control_text(request->fields, CTL_REASON)) {
		control_server_refuse(methods->server, request->token, EXIT_USAGE, "%s",
				      order.number ? "it needs its reason (--reason)"
						   : "which held message?");
		return;
	}
	asking = begin(methods, request);
	if (!asking)
		return;
	control_person_name(request->peer.uid, request->peer.login_uid, order.person.name);
	snprintf(order.person.reason, sizeof(order.person.reason), "%s", asking->reason);
	ask(asking, &order, on_decided);
}

void method_mail_release(struct methods *methods, struct control_request *request)
{
	decide(methods, request, VAULT_RELEASE);
}

void method_mail_reject(struct methods *methods, struct control_request *request)
{
	decide(methods, request, VAULT_REJECT);
}
