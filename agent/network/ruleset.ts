/** The table as text for `nft -f -`: whole, or as the difference to what is loaded. Either is one transaction of the kernel. Pure. */
import { SET_NAMES, type NetworkTable, type SetName } from "./service-plan.ts";

const SET_TYPES: Record<SetName, string> = {
  masked_ports: "type ipv4_addr . inet_proto . inet_service",
  masked_node_ports: "type inet_proto . inet_service",
  no_endpoints: "type ipv4_addr . inet_proto . inet_service",
  no_endpoint_ports: "type inet_proto . inet_service",
  hairpins: "type ipv4_addr . ipv4_addr",
  pods: "type ipv4_addr; flags interval; auto-merge",
  own_pods: "type ipv4_addr; flags interval; auto-merge",
};

const MAP_TYPES = {
  service_ports: "type ipv4_addr . inet_proto . inet_service : verdict",
  node_ports: "type inet_proto . inet_service : verdict",
} as const;
type MapName = keyof typeof MAP_TYPES;
const MAP_NAMES = Object.keys(MAP_TYPES) as MapName[];

/** Marks what has to leave under the node's address, so that the answer comes back this way (kube-proxy's bit). */
const MASQUERADE_BIT = "0x4000";

/** A reset, as on a local ICMP error a connecting TCP socket waits for its next try. */
function baseChains(serviceCidr: string): string {
  return `
  chain services {
    ip daddr ${serviceCidr} ip saddr != @pods meta mark set meta mark or ${MASQUERADE_BIT}
    ip daddr . meta l4proto . th dport @masked_ports meta mark set meta mark or ${MASQUERADE_BIT}
    ip daddr . meta l4proto . th dport vmap @service_ports
    fib daddr type local meta l4proto . th dport @masked_node_ports meta mark set meta mark or ${MASQUERADE_BIT}
    fib daddr type local meta l4proto . th dport vmap @node_ports
  }
  chain prerouting {
    type nat hook prerouting priority dstnat; policy accept;
    jump services
  }
  chain output {
    type nat hook output priority -100; policy accept;
    jump services
  }
  chain postrouting {
    type nat hook postrouting priority srcnat; policy accept;
    meta mark and ${MASQUERADE_BIT} == ${MASQUERADE_BIT} masquerade
    ip saddr . ip daddr @hairpins masquerade
    jump neighbours
    ip saddr @own_pods ip daddr != @pods ip daddr != 224.0.0.0/4 oifname != "lo" masquerade
  }
  chain refuse {
    meta l4proto tcp reject with tcp reset
    reject
  }
  chain unserved {
    ip daddr . meta l4proto . th dport @no_endpoints goto refuse
    fib daddr type local meta l4proto . th dport @no_endpoint_ports goto refuse
  }
  chain filter_input {
    type filter hook input priority filter; policy accept;
    ct state new jump unserved
  }
  chain filter_forward {
    type filter hook forward priority filter; policy accept;
    ct state new jump unserved
  }
  chain filter_output {
    type filter hook output priority filter; policy accept;
    ct state new jump unserved
  }`;
}

function elements(list: readonly string[]): string {
  return list.length === 0 ? "" : ` elements = { ${list.join(", ")} };`;
}

export function wholeTable(table: NetworkTable, at: { name: string; serviceCidr: string }): string {
  const { name, serviceCidr } = at;
  const chains = [...table.chains].map(
    ([chain, rules]) => `  chain ${chain} {\n${rules.map((r) => `    ${r}\n`).join("")}  }`,
  );
  const sets = SET_NAMES.map((set) => `  set ${set} { ${SET_TYPES[set]};${elements([...table.sets[set]])} }`);
  const maps = MAP_NAMES.map((map) => {
    const list = [...table.maps[map]].map(([key, verdict]) => `${key} : ${verdict}`);
    return `  map ${map} { ${MAP_TYPES[map]};${elements(list)} }`;
  });
  // Declared once more before it is deleted, so that the first load does not fail.
  return [
    `table ip ${name}`,
    `delete table ip ${name}`,
    `table ip ${name} {`,
    ...sets,
    ...chains,
    ...maps,
    baseChains(serviceCidr).slice(1),
    "}",
    "",
  ].join("\n");
}

function same(a: readonly string[] | undefined, b: readonly string[]): boolean {
  return a !== undefined && a.length === b.length && a.every((rule, i) => rule === b[i]);
}

/** Commands that turn `before` into `after`; "" when nothing differs. Elements go before the chains they lead to, and come after them. */
export function tableDifference(before: NetworkTable, after: NetworkTable, name: string): string {
  const lines: string[] = [];
  const at = `ip ${name}`;
  for (const set of SET_NAMES) {
    const gone = [...before.sets[set]].filter((e) => !after.sets[set].has(e));
    if (gone.length > 0) lines.push(`delete element ${at} ${set} { ${gone.join(", ")} }`);
    const added = [...after.sets[set]].filter((e) => !before.sets[set].has(e));
    if (added.length > 0) lines.push(`add element ${at} ${set} { ${added.join(", ")} }`);
  }
  for (const chain of after.chains.keys()) if (!before.chains.has(chain)) lines.push(`add chain ${at} ${chain}`);
  for (const [chain, rules] of after.chains) {
    if (same(before.chains.get(chain), rules)) continue;
    lines.push(`flush chain ${at} ${chain}`, ...rules.map((rule) => `add rule ${at} ${chain} ${rule}`));
  }
  for (const map of MAP_NAMES) {
    const gone = [...before.maps[map]].filter(([key, verdict]) => after.maps[map].get(key) !== verdict);
    if (gone.length > 0)
      lines.push(`delete element ${at} ${map} { ${gone.map(([k, v]) => `${k} : ${v}`).join(", ")} }`);
    const added = [...after.maps[map]].filter(([key, verdict]) => before.maps[map].get(key) !== verdict);
    if (added.length > 0) lines.push(`add element ${at} ${map} { ${added.map(([k, v]) => `${k} : ${v}`).join(", ")} }`);
  }
  for (const chain of before.chains.keys()) {
    if (!after.chains.has(chain)) lines.push(`flush chain ${at} ${chain}`, `delete chain ${at} ${chain}`);
  }
  return lines.length === 0 ? "" : `${lines.join("\n")}\n`;
}
