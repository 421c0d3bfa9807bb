/**
 * The functions of expressions, a line each: a name, then its overloads, `id(arguments)result` or `id target.(arguments)result`.
 * Of cel-go v0.26 (common/stdlib, cel/library.go, ext/strings, ext/lists, ext/sets, ext/comprehensions) and of k8s.io/apiserver/pkg/cel/library,
 * all that an API server of Kubernetes v1.36 offers in expressions. A capital letter is a type parameter.
 */
import {
  BOOL,
  BYTES,
  DOUBLE,
  DURATION,
  DYN,
  INT,
  listOf,
  mapOf,
  NULL,
  objectOf,
  optionalOf,
  paramOf,
  STRING,
  TIMESTAMP,
  typeOf,
  UINT,
  type CelType,
} from "./types.ts";

const STANDARD = `
_?_:_ conditional(bool, A, A)A
_&&_ logical_and(bool, bool)bool
_||_ logical_or(bool, bool)bool
!_ logical_not(bool)bool
@not_strictly_false not_strictly_false(bool)bool
_==_ equals(A, A)bool
_!=_ not_equals(A, A)bool
_+_ add_bytes(bytes, bytes)bytes; add_double(double, double)double; add_duration_duration(duration, duration)duration; add_duration_timestamp(duration, timestamp)timestamp; add_timestamp_duration(timestamp, duration)timestamp; add_int64(int, int)int; add_list(list(A), list(A))list(A); add_string(string, string)string; add_uint64(uint, uint)uint
_-_ subtract_double(double, double)double; subtract_duration_duration(duration, duration)duration; subtract_int64(int, int)int; subtract_timestamp_duration(timestamp, duration)timestamp; subtract_timestamp_timestamp(timestamp, timestamp)duration; subtract_uint64(uint, uint)uint
_*_ multiply_double(double, double)double; multiply_int64(int, int)int; multiply_uint64(uint, uint)uint
_/_ divide_double(double, double)double; divide_int64(int, int)int; divide_uint64(uint, uint)uint
_%_ modulo_int64(int, int)int; modulo_uint64(uint, uint)uint
-_ negate_double(double)double; negate_int64(int)int
_[_] index_list(list(A), int)A; index_map(map(A, B), A)B; optional_list_index_int(optional(list(A)), int)optional(A); optional_map_index_value(optional(map(A, B)), A)optional(B)
_[?_] list_optindex_optional_int(list(A), int)optional(A); optional_list_optindex_optional_int(optional(list(A)), int)optional(A); map_optindex_optional_value(map(A, B), A)optional(B); optional_map_optindex_optional_value(optional(map(A, B)), A)optional(B)
_?._ select_optional_field(dyn, string)optional(A)
@in in_list(A, list(A))bool; in_map(A, map(A, B))bool
size size_bytes(bytes)int; size_bytes_inst bytes.()int; size_list(list(A))int; size_list_inst list(A).()int; size_map(map(A, B))int; size_map_inst map(A, B).()int; size_string(string)int; size_string_inst string.()int
type type(A)type(A)
bool bool_to_bool(bool)bool; string_to_bool(string)bool
bytes bytes_to_bytes(bytes)bytes; string_to_bytes(string)bytes
double double_to_double(double)double; int64_to_double(int)double; string_to_double(string)double; uint64_to_double(uint)double
duration duration_to_duration(duration)duration; int64_to_duration(int)duration; string_to_duration(string)duration
dyn to_dyn(A)dyn
int int64_to_int64(int)int; double_to_int64(double)int; duration_to_int64(duration)int; string_to_int64(string)int; timestamp_to_int64(timestamp)int; uint64_to_int64(uint)int
string string_to_string(string)string; bool_to_string(bool)string; bytes_to_string(bytes)string; double_to_string(double)string; duration_to_string(duration)string; int64_to_string(int)string; timestamp_to_string(timestamp)string; uint64_to_string(uint)string; ip_to_string(net.IP)string; cidr_to_string(net.CIDR)string
timestamp timestamp_to_timestamp(timestamp)timestamp; int64_to_timestamp(int)timestamp; string_to_timestamp(string)timestamp
uint uint64_to_uint64(uint)uint; double_to_uint64(double)uint; int64_to_uint64(int)uint; string_to_uint64(string)uint
contains contains_string string.(string)bool
endsWith ends_with_string string.(string)bool
startsWith starts_with_string string.(string)bool
matches matches(string, string)bool; matches_string string.(string)bool
getHours timestamp_to_hours timestamp.()int; timestamp_to_hours_with_tz timestamp.(string)int; duration_to_hours duration.()int
getMinutes timestamp_to_minutes timestamp.()int; timestamp_to_minutes_with_tz timestamp.(string)int; duration_to_minutes duration.()int
getSeconds timestamp_to_seconds timestamp.()int; timestamp_to_seconds_tz timestamp.(string)int; duration_to_seconds duration.()int
getMilliseconds timestamp_to_milliseconds timestamp.()int; timestamp_to_milliseconds_with_tz timestamp.(string)int; duration_to_milliseconds duration.()int
getFullYear timestamp_to_year timestamp.()int; timestamp_to_year_with_tz timestamp.(string)int
getMonth timestamp_to_month timestamp.()int; timestamp_to_month_with_tz timestamp.(string)int
getDayOfYear timestamp_to_day_of_year timestamp.()int; timestamp_to_day_of_year_with_tz timestamp.(string)int
getDayOfMonth timestamp_to_day_of_month timestamp.()int; timestamp_to_day_of_month_with_tz timestamp.(string)int
getDate timestamp_to_day_of_month_1_based timestamp.()int; timestamp_to_day_of_month_1_based_with_tz timestamp.(string)int
getDayOfWeek timestamp_to_day_of_week timestamp.()int; timestamp_to_day_of_week_with_tz timestamp.(string)int
optional.of optional_of(V)optional(V)
optional.ofNonZeroValue optional_ofNonZeroValue(V)optional(V)
optional.none optional_none()optional(V)
value optional_value optional(V).()V
hasValue optional_hasValue optional(V).()bool
or optional_or_optional optional(V).(optional(V))optional(V)
orValue optional_orValue_value optional(V).(V)V
cel.@mapInsert @mapInsert_map_key_value(map(K, V), K, V)map(K, V); @mapInsert_map_map(map(K, V), map(K, V))map(K, V)
charAt string_char_at_int string.(int)string
indexOf string_index_of_string string.(string)int; string_index_of_string_int string.(string, int)int; list_a_index_of_int list(A).(A)int
lastIndexOf string_last_index_of_string string.(string)int; string_last_index_of_string_int string.(string, int)int; list_a_last_index_of_int list(A).(A)int
lowerAscii string_lower_ascii string.()string
upperAscii string_upper_ascii string.()string
replace string_replace_string_string string.(string, string)string; string_replace_string_string_int string.(string, string, int)string
split string_split_string string.(string)list(string); string_split_string_int string.(string, int)list(string)
substring string_substring_int string.(int)string; string_substring_int_int string.(int, int)string
trim string_trim string.()string
format string_format string.(list(dyn))string
strings.quote strings_quote(string)string
join list_join list(string).()string; list_join_string list(string).(string)string
sets.contains list_sets_contains_list(list(T), list(T))bool
sets.equivalent list_sets_equivalent_list(list(T), list(T))bool
sets.intersects list_sets_intersects_list(list(T), list(T))bool
slice list_slice list(T).(int, int)list(T)
flatten list_flatten list(list(T)).()list(T); list_flatten_int list(dyn).(int)list(dyn)
lists.range lists_range(int)list(int)
reverse list_reverse list(T).()list(T)
distinct list_distinct list(T).()list(T)
isSorted @comparable list_%_is_sorted_bool bool
min @comparable list_%_min_% %
max @comparable list_%_max_% %
sort @comparable list_%_sort list(%)
sum list_int_sum_int list(int).()int; list_uint_sum_uint list(uint).()uint; list_double_sum_double list(double).()double; list_duration_sum_duration list(duration).()duration
`;

const KUBERNETES = `
find string_find_string string.(string)string
findAll string_find_all_string string.(string)list(string); string_find_all_string_int string.(string, int)list(string)
url string_to_url(string)kubernetes.URL
getScheme url_get_scheme kubernetes.URL.()string
getHost url_get_host kubernetes.URL.()string
getHostname url_get_hostname kubernetes.URL.()string
getPort url_get_port kubernetes.URL.()string
getEscapedPath url_get_escaped_path kubernetes.URL.()string
getQuery url_get_query kubernetes.URL.()map(string, list(string))
isURL is_url_string(string)bool
quantity string_to_quantity(string)kubernetes.Quantity
isQuantity is_quantity_string(string)bool
sign quantity_sign(kubernetes.Quantity)int
asApproximateFloat quantity_get_float kubernetes.Quantity.()double
asInteger quantity_get_int kubernetes.Quantity.()int
isInteger quantity_is_integer kubernetes.Quantity.()bool
add quantity_add kubernetes.Quantity.(kubernetes.Quantity)kubernetes.Quantity; quantity_add_int kubernetes.Quantity.(int)kubernetes.Quantity
sub quantity_sub kubernetes.Quantity.(kubernetes.Quantity)kubernetes.Quantity; quantity_sub_int kubernetes.Quantity.(int)kubernetes.Quantity
isGreaterThan quantity_is_greater_than kubernetes.Quantity.(kubernetes.Quantity)bool; semver_is_greater_than kubernetes.Semver.(kubernetes.Semver)bool
isLessThan quantity_is_less_than kubernetes.Quantity.(kubernetes.Quantity)bool; semver_is_less_than kubernetes.Semver.(kubernetes.Semver)bool
compareTo quantity_compare_to kubernetes.Quantity.(kubernetes.Quantity)int; semver_compare_to kubernetes.Semver.(kubernetes.Semver)int
semver string_to_semver(string)kubernetes.Semver; string_bool_to_semver(string, bool)kubernetes.Semver
isSemver is_semver_string(string)bool; is_semver_string_bool(string, bool)bool
major semver_major kubernetes.Semver.()int
minor semver_minor kubernetes.Semver.()int
patch semver_patch kubernetes.Semver.()int
ip string_to_ip(string)net.IP; cidr_ip net.CIDR.()net.IP
ip.isCanonical ip_is_canonical(string)bool
isIP is_ip(string)bool
family ip_family net.IP.()int
isUnspecified ip_is_unspecified net.IP.()bool
isLoopback ip_is_loopback net.IP.()bool
isLinkLocalMulticast ip_is_link_local_multicast net.IP.()bool
isLinkLocalUnicast ip_is_link_local_unicast net.IP.()bool
isGlobalUnicast ip_is_global_unicast net.IP.()bool
cidr string_to_cidr(string)net.CIDR
isCIDR is_cidr(string)bool
containsIP cidr_contains_ip_string net.CIDR.(string)bool; cidr_contains_ip_ip net.CIDR.(net.IP)bool
containsCIDR cidr_contains_cidr_string net.CIDR.(string)bool; cidr_contains_cidr net.CIDR.(net.CIDR)bool
prefixLength cidr_prefix_length net.CIDR.()int
masked cidr_masked net.CIDR.()net.CIDR
format.named format-named(string)optional(kubernetes.NamedFormat)
validate format-validate kubernetes.NamedFormat.(string)optional(list(string))
path authorizer_path kubernetes.authorization.Authorizer.(string)kubernetes.authorization.PathCheck
group authorizer_group kubernetes.authorization.Authorizer.(string)kubernetes.authorization.GroupCheck
serviceAccount authorizer_serviceaccount kubernetes.authorization.Authorizer.(string, string)kubernetes.authorization.Authorizer
resource groupcheck_resource kubernetes.authorization.GroupCheck.(string)kubernetes.authorization.ResourceCheck
subresource resourcecheck_subresource kubernetes.authorization.ResourceCheck.(string)kubernetes.authorization.ResourceCheck
namespace resourcecheck_namespace kubernetes.authorization.ResourceCheck.(string)kubernetes.authorization.ResourceCheck
name resourcecheck_name kubernetes.authorization.ResourceCheck.(string)kubernetes.authorization.ResourceCheck
fieldSelector authorizer_fieldselector kubernetes.authorization.ResourceCheck.(string)kubernetes.authorization.ResourceCheck
labelSelector authorizer_labelselector kubernetes.authorization.ResourceCheck.(string)kubernetes.authorization.ResourceCheck
check pathcheck_check kubernetes.authorization.PathCheck.(string)kubernetes.authorization.Decision; resourcecheck_check kubernetes.authorization.ResourceCheck.(string)kubernetes.authorization.Decision
errored decision_errored kubernetes.authorization.Decision.()bool
error decision_error kubernetes.authorization.Decision.()string
allowed decision_allowed kubernetes.authorization.Decision.()bool
jsonpatch.escapeKey string_jsonpatch_escapeKey_string(string)string
reason decision_reason kubernetes.authorization.Decision.()string
`;

/** `format.dns1123Label()` and the others. */
export const NAMED_FORMATS = [
  "dns1123Label",
  "dns1123Subdomain",
  "dns1035Label",
  "qualifiedName",
  "dns1123LabelPrefix",
  "dns1123SubdomainPrefix",
  "dns1035LabelPrefix",
  "labelValue",
  "uri",
  "uuid",
  "byte",
  "date",
  "datetime",
];

export interface Overload {
  id: string;
  isMember: boolean;
  /** The target comes first. */
  args: readonly CelType[];
  result: CelType;
  /** Names of parameters of types. */
  params: readonly string[];
}

export type Functions = ReadonlyMap<string, readonly Overload[]>;

/** Types of which `min`, `max` and such are defined. */
const COMPARABLE = ["int", "uint", "double", "bool", "duration", "timestamp", "string", "bytes"];
/** Numbers of different types compare with one another. */
const NUMBERS = ["int", "uint", "double"];

/** All declarations; costs about a millisecond, so keep the result. */
export function declareFunctions(): Functions {
  const functions = new Map<string, Overload[]>();
  const add = (name: string, overloads: readonly Overload[]): void => {
    functions.set(name, [...(functions.get(name) ?? []), ...overloads]);
  };
  for (const line of `${STANDARD}${KUBERNETES}`.split("\n")) {
    const space = line.indexOf(" ");
    if (space > 0) add(line.slice(0, space), overloadsOf(line.slice(space + 1)));
  }
  for (const [name, word] of Object.entries({
    "_<_": "less",
    "_<=_": "less_equals",
    "_>_": "greater",
    "_>=_": "greater_equals",
  })) {
    add(name, comparisons(word));
  }
  for (const name of NAMED_FORMATS) add(`format.${name}`, overloadsOf(`format.${name}()kubernetes.NamedFormat`));
  return functions;
}

function overloadsOf(text: string): Overload[] {
  const templated = /^@comparable (\S+) (\S+)$/.exec(text);
  if (!templated) return text.split("; ").map(overloadOf);
  const [, id = "", result = ""] = templated;
  return COMPARABLE.map((name) =>
    overloadOf(`${id.replaceAll("%", name)} list(${name}).()${result.replaceAll("%", name)}`),
  );
}

function comparisons(word: string): Overload[] {
  const same = COMPARABLE.map((name) => overloadOf(`${word}_${named(name)}(${name}, ${name})bool`));
  const mixed = NUMBERS.flatMap((a) =>
    NUMBERS.filter((b) => a !== b).map((b) => overloadOf(`${word}_${named(a)}_${named(b)}(${a}, ${b})bool`)),
  );
  return [...same, ...mixed];
}

function named(type: string): string {
  return type === "int" || type === "uint" ? `${type}64` : type;
}

/** `id(args)result` or `id target.(args)result`. */
function overloadOf(text: string): Overload {
  const reader = new TypeReader(text);
  const id = reader.word();
  const isMember = reader.accept(" ");
  const args = isMember ? [reader.type()] : [];
  if (isMember) reader.accept(".");
  args.push(...reader.list());
  const result = reader.type();
  return { id, isMember, args, result, params: [...reader.params] };
}

/** Reads the notation of this file. */
class TypeReader {
  readonly params = new Set<string>();
  private readonly text: string;
  private at = 0;

  constructor(text: string) {
    this.text = text;
  }

  accept(text: string): boolean {
    if (!this.text.startsWith(text, this.at)) return false;
    this.at += text.length;
    return true;
  }

  word(): string {
    const found = /^(?:[\w@%-]|\.(?!\())+/.exec(this.text.slice(this.at))?.[0] ?? "";
    this.at += found.length;
    return found;
  }

  list(): CelType[] {
    const types: CelType[] = [];
    if (!this.accept("(") || this.accept(")")) return types;
    do types.push(this.type());
    while (this.accept(", "));
    this.accept(")");
    return types;
  }

  type(): CelType {
    const name = this.word();
    if (/^[A-Z]$/.test(name)) {
      this.params.add(name);
      return paramOf(name);
    }
    const simple = SIMPLE[name];
    if (simple) return simple;
    if (["list", "map", "optional", "type"].includes(name)) {
      const [first = DYN, second = DYN] = this.list();
      if (name === "map") return mapOf(first, second);
      return name === "list" ? listOf(first) : name === "optional" ? optionalOf(first) : typeOf(first);
    }
    return objectOf(name);
  }
}

const SIMPLE: Readonly<Record<string, CelType | undefined>> = {
  bool: BOOL,
  int: INT,
  uint: UINT,
  double: DOUBLE,
  string: STRING,
  bytes: BYTES,
  null: NULL,
  duration: DURATION,
  timestamp: TIMESTAMP,
  dyn: DYN,
};

/** Names of types are values, too: `type(x) == int`. */
export function declareTypes(): ReadonlyMap<string, CelType> {
  const types = Object.entries(SIMPLE)
    .filter(([name]) => name !== "dyn" && name !== "null")
    .map(([name, type]): [string, CelType] => [name, typeOf(type ?? DYN)]);
  const objects = [
    "kubernetes.URL",
    "kubernetes.Quantity",
    "kubernetes.Semver",
    "kubernetes.NamedFormat",
    "net.IP",
    "net.CIDR",
  ];
  return new Map<string, CelType>([
    ...types.map(([name, type]): [string, CelType] =>
      name === "duration" || name === "timestamp"
        ? [`google.protobuf.${name === "duration" ? "Duration" : "Timestamp"}`, type]
        : [name, type],
    ),
    ["list", typeOf(listOf(paramOf("A")))],
    ["map", typeOf(mapOf(paramOf("A"), paramOf("B")))],
    ["null_type", typeOf(NULL)],
    ["type", typeOf(typeOf(DYN))],
    ["optional_type", typeOf(optionalOf(paramOf("V")))],
    ...objects.map((name): [string, CelType] => [name, typeOf(objectOf(name))]),
  ]);
}
