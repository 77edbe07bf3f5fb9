# From the lines of tests/bench/classify/run to tables.

def geomean: if length == 0 then null else (map(log) | add / length | exp) end;
def fixed($n): if . == null then "-" else . * pow(10; $n) | round / pow(10; $n) | tostring end;
def row: "| " + join(" | ") + " |";
def origin: if startswith("own-") then "own" else "ClassBench" end;

map((.what | split(" ")) as $w | . + { set: $w[1], mode: $w[2], figure: $w[3] })
| . as $all
| def value($set; $mode; $figure): [$all[] | select(.set == $set and .mode == $mode and .figure == $figure) | .value][0];
  def against($set; $mode; $figure; $peer):
    [$all[] | select(.set == $set and .mode == $mode and .figure == $figure and (.peer | startswith($peer))) | .ratio][0];
  def sets: [$all[].set] | unique | sort_by((split("_")[1] | rtrimstr("k") | tonumber), origin, .);
  def size: split("_")[1];
  def goal: { "1k": 0.3333, "10k": 0.2, "100k": 0.125 }[.];

def most($in; $what): [$all[] | select(.figure == $what and .mode == "uniform" and ([.set] | any(. == $in[]))) | .value] | max;
# The sets that a goal is about: those of ClassBench, where there are any of the size.
def about($rules): [sets[] | select(size == $rules)]
  | if any(origin == "ClassBench") then map(select(origin == "ClassBench")) else . end;
# What, goal, what was reached, and both as numbers.
def goals:
  (("1k", "10k", "100k") as $size | about($size) | select(length > 0)
   | ([.[] | against(.; "uniform"; "lookup"; "rte_acl") | values] | geomean) as $r
   | ["look-up, \($size), geometric mean over \(length) sets, of rte_acl (IPv4, uniform)", ($size | goal | fixed(3)),
      ($r | fixed(3)), $r, ($size | goal)]),
  ([$all[] | select(.figure == "lookup" and (.peer | startswith("rte_acl"))) | .ratio] | max
   | ["look-up, the slowest of all sets and traces, of rte_acl", "1", fixed(3), ., 1]),
  ([$all[] | select(.figure == "order") | .ratio] | max
   | ["lines shuffled, of the file's order, slowest set", "1.3", fixed(2), ., 1.3]),
  (about("10k") | select(length > 0) | . as $in
   | (["insertion", "insert-median", 10, "µs, median"], ["insertion", "insert-worst", 1000, "µs, worst"],
      ["insertion", "insert-worst-cpu", 1000, "µs of processor time, worst"],
      ["deletion", "delete-median", 10, "µs, median"], ["deletion", "delete-worst", 1000, "µs, worst"],
      ["deletion", "delete-worst-cpu", 1000, "µs of processor time, worst"],
      ["memory", "bytes-a-rule", 150, "bytes a rule"], ["building", "build", 100, "ms"]) as $g
   | most($in; $g[1]) | ["\($g[0]), 10k, the worst set: \($g[3])", ($g[2] | tostring), fixed(2), ., $g[2]]);

["nanoseconds a look-up of one core, medians of interleaved rounds", "",
 (["set", "trace", "ours (avx512)", "avx2", "scalar", "rte_acl", "its best variant", "linear", "ours / rte_acl"] | row),
 "|---|---|---|---|---|---|---|---|---|",
 (sets[] as $s | ("uniform", "zipf", "uniform-shuffled", "uniform-ipv6") as $m
  | [$s, $m, (value($s; $m; "lookup-avx512") | fixed(1)), (value($s; $m; "lookup-avx2") | fixed(1)),
     (value($s; $m; "lookup-scalar") | fixed(0)), (value($s; $m; "lookup-rte_acl") | fixed(1)),
     ([$all[] | select(.set == $s and .mode == $m and .figure == "lookup") | .peer][0] | ltrimstr("rte_acl ")),
     (value($s; $m; "lookup-linear") | fixed(0)), (against($s; $m; "lookup"; "rte_acl") | fixed(3))] | row),
 "", "geometric means", "",
 (["rules", "sets", "trace", "ours", "rte_acl", "ours / rte_acl", "goal", "slowest set / rte_acl"] | row),
 "|---|---|---|---|---|---|---|---|",
 ([sets[] | { size: size, origin: origin }] | unique | sort_by((.size | rtrimstr("k") | tonumber), .origin)[] as $g
  | ("uniform", "zipf", "uniform-shuffled", "uniform-ipv6") as $m
  | [sets[] | select(size == $g.size and origin == $g.origin)] as $in
  | [$in[] | against(.; $m; "lookup"; "rte_acl") | values] as $ratios
  | [$g.size, $g.origin + " (" + ($ratios | length | tostring) + ")", $m,
     ([$in[] | value(.; $m; "lookup") | values] | geomean | fixed(1)),
     ([$in[] | value(.; $m; "lookup-rte_acl") | values] | geomean | fixed(1)),
     ($ratios | geomean | fixed(3)), ($g.size | goal | fixed(3)), ($ratios | max | fixed(3))] | row),
 "", "memory, building, change, order of the lines, instructions a look-up", "",
 (["set", "bytes a rule", "build ms", "rte_acl's", "insert µs", "worst", "worst, processor time", "delete µs", "worst",
   "settle ms", "shuffled / in order", "instructions, avx2", "rte_acl's"] | row),
 "|---|---|---|---|---|---|---|---|---|---|---|---|---|",
 (sets[] as $s
  | [$s, (value($s; "uniform"; "bytes-a-rule") | fixed(0)), (value($s; "uniform"; "build") | fixed(1)),
     (([value($s; "uniform"; "build"), against($s; "uniform"; "build"; "rte_acl")]
       | if .[1] then .[0] / .[1] else null end) | fixed(0)),
     (value($s; "uniform"; "insert-median") | fixed(2)), (value($s; "uniform"; "insert-worst") | fixed(0)),
     (value($s; "uniform"; "insert-worst-cpu") | fixed(0)),
     (value($s; "uniform"; "delete-median") | fixed(2)), (value($s; "uniform"; "delete-worst") | fixed(0)),
     (value($s; "uniform"; "settle") | fixed(1)),
     (against($s; "uniform-shuffled"; "order"; "the order") | fixed(2)),
     (value($s; "uniform"; "instructions-avx2") | fixed(0)),
     (value($s; "uniform"; "instructions-rte_acl") | fixed(0))] | row),
 "", "goals", "",
 (["what", "goal", "reached", "met"] | row),
 "|---|---|---|---|",
 (goals | [.[0], "≤ " + .[1], .[2],
   (.[3] as $v | .[4] as $g | if $v == null then "-" elif $v <= $g then "yes" else "no" end)] | row),
 "",
 ([$all[] | select(.figure == "mismatches")] |
  "mismatches with the linear search: \(map(.value) | add) of \(map(.peer | scan("[0-9]+") | tonumber) | add) headers, each with every matcher"),
 ([$all[] | select(.figure == "wrong-after-updates") | .value] | "and after changes: \(add // 0)"),
 ([$all[] | select(.figure == "rte_acl-mismatches") | .value] | "rte_acl's: \(add // 0)"),
 (sets[] as $s | [$all[] | select(.set == $s and .figure == "lookup" and (.peer | startswith("not ")))] |
  select(length > 0) | "rte_acl on \($s): \([.[] | .mode + ", " + .peer] | unique | join("; "))")]
| .[]
