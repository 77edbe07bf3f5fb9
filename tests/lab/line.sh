# A bad line in the cable between a zone and the gateway (lab-impair); its namespace ends with the test.

bad_line() { # ZONE DEVICE-OF-THE-GATEWAY ARGUMENTS of lab-impair after the interfaces
	local zone=$1 its=$2 device mac address route
	line=${LAB_PREFIX}line
	ip netns add "$line"
	trap 'ip netns del "$line"; tidy' EXIT
	device=$(zone "$zone" ip -o link show type veth | sed 's/^[0-9]*: \([^@]*\)@.*/\1/' | head -1)
	zone "$zone" ip -o addr show dev "$device" | awk '$4 !~ /^fe80/ { print $4 }' >"$work/addresses"
	zone "$zone" ip -4 route show | awk '/ via / { late = late $0 "\n"; next } { print } END { printf "%s", late }' >"$work/routes"
	zone "$zone" ip link set "$device" name far netns "$line"
	ip -n "$line" link add near type veth peer name "$device" netns "/run/netns/${LAB_PREFIX}$zone"
	mac=$(ip -n "$line" -o link show far | grep -o 'link/ether [^ ]*' | cut -d' ' -f2)
	zone "$zone" ip link set "$device" address "$mac" up
	ip -n "$line" link set far up promisc on
	ip -n "$line" link set near up promisc on
	while read -r address; do zone "$zone" ip addr add "$address" dev "$device" nodad 2>/dev/null; done <"$work/addresses"
	while read -r route; do zone "$zone" ip route replace $route; done <"$work/routes"
	# A frame is passed as it travels: whole, with its sums.
	local whole=(tx off sg off tso off gso off gro off)
	zone "$zone" ethtool -K "$device" "${whole[@]}" >/dev/null 2>&1
	gw ethtool -K "$its" "${whole[@]}" >/dev/null 2>&1
	nsenter --net="/run/netns/$line" "$BUILD/lab-impair" near far "${@:3}" >"$work/line" &
	children+=($!)
}
