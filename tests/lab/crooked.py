"""Writes a random small policy, full of overlaps, odd ranges, exceptions and translations.

crooked.py SEED DIR      the same seed gives the same policy; not every one is free of faults
"""
import os
import random
import sys

seed, folder = int(sys.argv[1]), sys.argv[2]
rng = random.Random(seed)
SERVICES = ["http", "dns", "tcp/1-100", "tcp/80", "tcp/50-8080", "udp", "udp/53", "tcp/443", "icmp",
            "icmp/echo-request", "icmpv6/echo-request", "ip/esp", "ip/47", "sctp/7", "any", "odd", "low",
            "smtp", "tcp/65535", "udp/1-1023", "tcp/79-81"]


def some(items, most=3):
    return rng.sample(items, rng.randint(1, min(most, len(items))))


def listed(items):
    return "[" + ", ".join(f'"{item}"' for item in items) + "]"


def v4_part(number):
    base = f"10.{number}."
    kind = rng.randrange(5)
    third, last = rng.randrange(4), rng.randrange(256)
    if kind == 0:
        return f"{base}{third}.{last}"
    if kind == 1:
        return f"{base}{third}.0/{rng.choice([24, 25, 30, 32])}"
    if kind == 2:
        return f"{base}{third}.{last}-{base}{rng.randrange(third, 4)}.255"
    if kind == 3:
        return f"{base}{third}.{last & 0xf0}/28"
    return f"{base}{third}.{min(last, 250)}-{base}{third}.{rng.randrange(min(last, 250), 256)}"


def v6_part(number):
    base = f"fd00:{number:x}::"
    low = rng.randrange(1, 0xfff0)
    return rng.choice([f"{base}{low:x}", f"{base}{low:x}-{base}{rng.randrange(low, 0xffff):x}",
                       f"{base}{low & 0xff00:x}/120", f"{base}/96"])


zones, networks, endpoints = {}, {}, []
for number in range(1, rng.randint(3, 5) + 1):
    name = f"z{number}"
    families = rng.choice([4] + [46] * 8)
    ranges = []
    if families in (4, 46):
        ranges.append(rng.choice([f"10.{number}.0.0/16", f"10.{number}.0.0/22",
                                  f"10.{number}.0.0-10.{number}.3.255"]))
    if families in (6, 46):
        ranges.append(f"fd00:{number:x}::/64")
    role = rng.choice(["inside", "inside", "server", "public"])
    interfaces = [f"lan-{number}"] + ([f"vlan{number}-*"] if rng.random() < 0.3 else [])
    zones[name] = f"{{ role: {role}, interfaces: {listed(interfaces)}, networks: {listed(ranges)} }}"
    endpoints.append(name)
    for index in range(rng.randint(1, 4)):
        parts = [v4_part(number) for _ in range(rng.randint(1, 3)) if families != 6]
        parts += [v6_part(number) for _ in range(rng.randint(1, 2)) if families != 4]
        taken = [rng.choice(parts).split("-")[0].split("/")[0]] if rng.random() < 0.4 else []
        text = f"{{ addresses: {listed(parts)}" + (f", except: {listed(taken)} }}" if taken else " }")
        networks[f"{name}/n{index}"] = text
        endpoints += [f"{name}/n{index}"] * 2
for name in some(["out", "up"], 2):
    zones[name] = f"{{ role: {'external' if name == 'out' else 'uplink'}, interfaces: [wan-{name}] }}"
    networks[f"{name}/partner"] = listed(["203.0.113.0/25", "203.0.113.200", "2001:db8:99::/48"])
    endpoints += [name, name, f"{name}/partner"]
inner = [name for name in zones if name.startswith("z")]
outer = [name for name in zones if not name.startswith("z")]
servers = {}
for name in inner:
    number = int(name[1:])
    if "10." in zones[name]:
        servers[f"{name}/host"] = 4
        networks[f"{name}/host"] = listed([f"10.{number}.1.{10 + number}"])
        endpoints.append(f"{name}/host")

lines = ["version: 1", "zones:"] + [f"  {name}: {text}" for name, text in zones.items()]
lines += ["networks:"] + [f"  {name}: {text}" for name, text in networks.items()]
lines += ["services:", "  odd: [tcp/3, tcp/5-9, udp/7, tcp/80]",
          "  low: { members: [udp/1-5000, tcp/8080], source-ports: [1-1023] }",
          "guards: { look: { protocol: http } }", "flows:"]
guarded = rng.random() < 0.5
for index in range(rng.randint(4, 14)):
    ends = endpoints + ["self"]
    guard = ("look" if rng.random() < 0.25 else "none") if guarded else ""
    services = ["tcp/80", "tcp/8080"] if guard == "look" else some(SERVICES)
    text = f"  - {{ id: f{index}, from: {listed(some(ends, 2))}, to: {listed(some(ends, 2))}, " \
           f"services: {listed(services)}"
    if rng.random() < 0.3:
        text += f", except: {{ services: {listed(some(SERVICES, 1))} }}"
    if guard:
        text += f", guard: {guard}"
    if rng.random() < 0.2:
        text += ", log: true"
    lines.append(text + " }")
nat = []
for index, zone in enumerate(outer):
    if rng.random() < 0.7:
        nat.append(f"  - {{ id: masq{index}, kind: masquerade, from: {listed(some(inner, 2))}, to: {zone} }}")
    if servers and rng.random() < 0.7:
        target = rng.choice(list(servers))
        nat.append(f"  - {{ id: fwd{index}, kind: forward, from: {listed(some([zone] + inner, 3))}, "
                   f"address: 203.0.113.{140 + index}, services: tcp/80, target: {target}, port: 8080, "
                   f"hairpin: {rng.choice(['true', 'false'])} }}")
if nat:
    lines += ["nat:"] + nat
lines += ["settings:", f"  default: {rng.choice(['drop', 'reject'])}"]
if rng.random() < 0.5:
    pair = rng.sample(list(zones), 2)
    lines.append(f"  defaults: [{{ from: {pair[0]}, to: {pair[1]}, "
                 f"action: {rng.choice(['drop', 'reject'])} }}]")
os.makedirs(folder, exist_ok=True)
with open(os.path.join(folder, "policy.yaml"), "w", encoding="utf-8") as out:
    out.write("\n".join(lines) + "\n")
