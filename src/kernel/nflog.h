// Packets that rules log to a group (NFLOG), as records.  What the kernel sends is taken with
// care: every length is checked, what is missing is zero.  The kernel gathers records for up to a
// hundredth of a second before it sends them.
#ifndef SEKISHO_KERNEL_NFLOG_H
#define SEKISHO_KERNEL_NFLOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct nflog;

enum {
	NFLOG_PREFIX_MAX = 128, // NUL included
	NFLOG_PACKET_MAX = 256, // bytes of a packet that are kept
};

struct nflog_record {
	char prefix[NFLOG_PREFIX_MAX];
	uint32_t in, out; // interface indexes, 0 none
	uint32_t mark;
	uint8_t family;	 // 4, 6, or 0 other
	uint8_t hook;	 // NF_INET_PRE_ROUTING and so on
	uint32_t number; // as the kernel counts them, of this listener
	bool has_number;
	uint64_t time_us; // since 1970, of the packet or else of the reading
	uint8_t packet[NFLOG_PACKET_MAX];
	size_t packet_size;
	const uint8_t *whole; // all that came of the packet; as long as the message lives
	size_t whole_size;
};

struct nflog_tuning {
	uint32_t packet_max; // bytes of a packet that the kernel hands over, at most
	uint32_t wait_cs;    // how long it gathers records before it sends them, in 1/100 s
	uint32_t gather;     // how many records it gathers
};

// Listens to one group in this network namespace.  -EBUSY: another process does already;
// -EPERM: without CAP_NET_ADMIN.
int nflog_open(uint16_t group, struct nflog **ret_nflog);
int nflog_open_tuned(uint16_t group, const struct nflog_tuning *tuning, struct nflog **ret_nflog);
void nflog_close(struct nflog *nflog);	 // NULL is fine
int nflog_fd(const struct nflog *nflog); // to wait on for input; does not block

// Gives what has arrived to each(), at most limit records or so (whole datagrams).
// 0; or how many records the kernel had to drop for want of room, as the numbers of those that came
// in this call tell; or -errno.
int nflog_read(struct nflog *nflog, unsigned limit,
	       void (*each)(const struct nflog_record *record, void *arg), void *arg);

// One message (from the kernel, or anyone: a pure function).  0 or -EBADMSG.
int nflog_parse(const void *message, size_t size, struct nflog_record *ret_record);

#endif
