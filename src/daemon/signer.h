// The one process that has private keys.  It reads them from descriptors that the gate opened, then
// gives up everything but its sockets, and answers what inspectors ask it to sign (tls/sign.h): it
// parses nothing that strangers sent, and no byte of a key leaves it.
#ifndef SEKISHO_DAEMON_SIGNER_H
#define SEKISHO_DAEMON_SIGNER_H

// The private argument with which sekishod runs itself.
#define SIGNER_ARGUMENT "--sign"
int signer_main(void);

#endif
