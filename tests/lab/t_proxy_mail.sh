#!/bin/bash
# The table of t_mail.sh in proxy mode: relay, sizes, own senders, STARTTLS, records, with Postfix at both ends.
mode=proxy
. "$(dirname "$0")/t_mail.sh"
