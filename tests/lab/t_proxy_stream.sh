#!/bin/bash
# The table of t_mail_stream.sh in proxy mode: edits, refusals that shift what follows, clients that are taken over, through
# translated addresses as well.
mode=proxy
. "$(dirname "$0")/t_mail_stream.sh"
