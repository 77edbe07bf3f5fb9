// What is usual: of each key the busiest hour of each of the last 14 days.  An hour in which a
// limit was reached is not learned, so that a burst does not make the next one usual.  A table of a
// fixed size, the key that was not counted for longest makes room; kept in a file of the state
// folder.
#ifndef SEKISHO_DAEMON_MASS_USUAL_H
#define SEKISHO_DAEMON_MASS_USUAL_H

#include <stddef.h>
#include <stdint.h>

#define MASS_USUAL_FILE "mail-usual"

enum { MASS_USUAL_DAYS = 14, MASS_USUAL_KEYS = 4096 };

struct mass_usual;

int mass_usual_new(struct mass_usual **ret_usual); // 0, -ENOMEM
void mass_usual_free(struct mass_usual *usual);

void mass_usual_add(struct mass_usual *usual, uint64_t key, uint32_t number, uint64_t now_us);
// Of whole hours; 0: nothing is known.
uint32_t mass_usual_most(const struct mass_usual *usual, uint64_t key, uint64_t now_us);
void mass_usual_void(struct mass_usual *usual, uint64_t key, uint64_t now_us); // this hour

// secret: what the keys were made with, 16 bytes; it has to be the same ever after.
int mass_usual_write(const struct mass_usual *usual, const uint8_t secret[16], int state_fd);
// 0; -ENOENT: there is no such file; -EBADMSG: it is damaged, and nothing was taken.
int mass_usual_read(struct mass_usual *usual, uint8_t ret_secret[16], int state_fd);

#endif
