// What the gate makes of its book of mail: the policy's settings, problems, events.
#ifndef SEKISHO_DAEMON_MAIL_H
#define SEKISHO_DAEMON_MAIL_H

#include <stdint.h>

#include <systemd/sd-event.h>

#include "control/field.h"
#include "daemon/gate.h"
#include "daemon/mail_book.h"
#include "daemon/mail_read.h"

// Starts the book.  Without one the gate has a problem, and another try is made now and then.
int mail_open(sd_event *event, struct gate *gate); // 0 or -ENOMEM
void mail_close(struct gate *gate);		   // records that wait are written first
void mail_tend(struct gate *gate);		   // every few seconds
// Takes what the running policy says of mail records, and the records of whoever inspects.
void mail_settle(struct gate *gate);
// A record for the book, that it looks into (event/mail_wire.h).
void mail_give_record(struct gate *gate, const void *bytes, size_t size);

// Fills in who reads, where, and with which key; -ENOENT: there is no book.
int mail_reader(const struct gate *gate, struct mail_read_request *ret);
void mail_put_status(struct control_writer *reply, const struct gate *gate);

#endif
