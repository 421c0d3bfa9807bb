/** What expressions give, and what they may cost: the language definition of CEL, and Kubernetes' libraries by their documentation. */
import { describe, expect, it } from "vitest";
import { createCelEnvironment } from "./environment.ts";
import { evaluate } from "./evaluate.ts";
import {
  BYTES,
  DOUBLE,
  DURATION,
  DYN,
  INT,
  listOf,
  mapOf,
  objectOf,
  STRING,
  TIMESTAMP,
  type CelType,
} from "./types.ts";
import {
  Fault,
  fromJson,
  isDictionary,
  isSequence,
  itemsIn,
  Opaque,
  Optional,
  textOf,
  TypeValue,
  Uint,
  type Value,
} from "./values.ts";

const FIELDS: Readonly<Record<string, CelType>> = {
  replicas: INT,
  ratio: DOUBLE,
  name: STRING,
  hosts: listOf(STRING),
  labels: mapOf(STRING, STRING),
  created: TIMESTAMP,
  timeout: DURATION,
  data: BYTES,
  any: DYN,
  max__dash__surge: DYN,
};
const self = objectOf("selfType", (name) => (Object.hasOwn(FIELDS, name) ? FIELDS[name] : undefined));
const environment = createCelEnvironment().with({ self, object: DYN });
const JSON_SELF = {
  replicas: 3,
  ratio: 2,
  name: "web",
  hosts: ["a.example.com", "b.example.com"],
  labels: { app: "web", tier: "front" },
  created: "2024-05-06T07:08:09.5Z",
  timeout: "90s",
  data: "aGk=",
  any: { deep: [1, 2.5, "x", null] },
  "max-surge": "25%",
};

/** As JSON would have it, for comparison. */
function shown(value: Value): unknown {
  if (value instanceof Fault) return `fault: ${value.message}`;
  if (value instanceof Optional) return value.value === undefined ? "none" : { some: shown(value.value) };
  if (value instanceof TypeValue) return `type ${value.name}`;
  if (value instanceof Uint) return `${value.value}u`;
  if (typeof value === "bigint") return Number(value);
  if (isSequence(value)) return itemsIn(value).map(shown);
  if (isDictionary(value))
    return Object.fromEntries(value.keys().map((key) => [textOf(key), shown(value.get(key) ?? null)]));
  if (typeof value === "object" && value !== null) return value instanceof Opaque ? value.key : textOf(value);
  return value;
}

function run(source: string, costMax = 1_000_000): ReturnType<typeof evaluate> {
  const result = environment.compile(source);
  if ("fault" in result) throw new Error(result.fault);
  return evaluate(result.compiled, { self: fromJson(JSON_SELF, self), object: fromJson(JSON_SELF) }, { costMax });
}

const given = (source: string): unknown => shown(run(source).value);

describe("the language", () => {
  it.each<[string, unknown]>([
    ["1 + 2 * 3 - 4 / 2 % 3", 5],
    ["-self.replicas", -3],
    ["7 / -2", -3],
    ["1u + 2u", "3u"],
    ["1.5 * 2.0", 3],
    ["'a' + 'b'", "ab"],
    ["b'a' + b'b' == b'ab'", true],
    ["[1] + [2, 3]", [1, 2, 3]],
    ["dyn(1) == 1.0 && dyn(1u) == 1", true],
    ["1 < 1.5 && 'a' < 'b' && false < true", true],
    ["9223372036854775807 + 1", "fault: integer overflow"],
    ["0u - 1u", "fault: unsigned integer overflow"],
    ["1 / 0", "fault: division by zero"],
    ["1 % 0", "fault: modulus by zero"],
    ["true || 1 / 0 == 1", true],
    ["1 / 0 == 1 || true", true],
    ["false && 1 / 0 == 1", false],
    ["1 / 0 == 1 && false", false],
    ["false || 1 / 0 == 1", "fault: division by zero"],
    ["self.replicas > 2 ? 'many' : 'few'", "many"],
    ["[1, 2, 3][1]", 2],
    ["[1][5]", "fault: index out of bounds: 5"],
    ["{'a': 1}['b']", "fault: no such key: b"],
    ["{'a': 1, 'b': 2}.b", 2],
    ["2 in [1, 2] && 'app' in self.labels && !('x' in self.labels)", true],
    ["has(self.name) && !has(self.any.shallow)", true],
    ["type(1) == int && type('a') == string && type([]) == list && type(null) == null_type", true],
    ["int('12') + int(2.9) + int(3u)", 17],
    ["int('x')", "fault: type conversion error from 'string' to 'int'"],
    ["string(1) + string(1.5) + string(true) + string(b'x')", "11.5truex"],
    ["double('1e3')", 1000],
    ["bool('true')", true],
    ["size('äö') + size([1]) + size({'a': 1}) + size(b'abc') + 'x'.size()", 8],
  ])("%s", (source, expected) => expect(given(source)).toEqual(expected));
});

describe("macros", () => {
  it.each<[string, unknown]>([
    ["self.hosts.all(h, h.endsWith('.com'))", true],
    ["self.hosts.exists(h, h.startsWith('b'))", true],
    ["self.hosts.exists_one(h, h.startsWith('b'))", true],
    ["[1, 0, 2].exists(x, 4 / x == 2)", true],
    ["[0].all(x, 1 / x == 1)", "fault: division by zero"],
    ["[1, 2, 3].filter(x, x > 1)", [2, 3]],
    ["[1, 2, 3].map(x, x * x)", [1, 4, 9]],
    ["[1, 2, 3].map(x, x > 1, x * 10)", [20, 30]],
    ["self.labels.map(k, k).size()", 2],
    ["self.labels.all(k, v, k.size() <= 4 && v != '')", true],
    ["self.hosts.exists(i, h, i == 1 && h.startsWith('b'))", true],
    ["self.labels.transformMap(k, v, v + '!')", { app: "web!", tier: "front!" }],
    ["[5, 6].transformList(i, v, i + v)", [5, 7]],
    ["[[1, 2], [3]].map(l, l.map(x, x + 1))", [[2, 3], [4]]],
    ["[1].map(x, [2].map(x, x))", [[2]]],
    ["lists.range(20000).map(x, x).filter(x, x % 2 == 0).size()", 10_000],
    ["[[1, 2]].map(x, (x + [3]) + (x + [4]))", [[1, 2, 3, 1, 2, 4]]],
  ])("%s", (source, expected) => expect(given(source)).toEqual(expected));
});

describe("optionals", () => {
  it.each<[string, unknown]>([
    ["optional.of(1).orValue(2) + optional.none().orValue(3)", 4],
    ["self.?name.orValue('x')", "web"],
    ["object.?nothing.hasValue()", false],
    ["object.?any.?deep[?1].orValue(0)", 2.5],
    ["[1][?3].hasValue()", false],
    ["optional.of(2).optMap(x, x * 2)", { some: 4 }],
    ["optional.none().or(optional.of(1)).value()", 1],
    ["optional.none().value()", "fault: optional.none() dereference"],
    ["[?optional.none(), ?optional.of(1)]", [1]],
    ["{?'a': optional.none(), 'b': 1}", { b: 1 }],
    ["optional.ofNonZeroValue('').hasValue()", false],
  ])("%s", (source, expected) => expect(given(source)).toEqual(expected));
});

describe("objects", () => {
  it.each<[string, unknown]>([
    ["self.replicas", 3],
    ["self.ratio == 2.0 && type(self.ratio) == double", true],
    ["self.max__dash__surge", "25%"],
    ["self.created.getFullYear() + self.created.getMonth() + self.created.getDate()", 2034],
    ["self.created > timestamp('2024-01-01T00:00:00Z')", true],
    ["self.timeout + duration('30s') == duration('2m')", true],
    ["string(self.timeout) + string(self.created)", "90s2024-05-06T07:08:09.5Z"],
    ["self.created.getHours('+02:00')", 9],
    ["self.data == b'hi'", true],
    ["type(object.any.deep[0]) == int && type(object.any.deep[1]) == double", true],
    ["object.any.deep[3] == null", true],
    ["object.labels == self.labels", true],
  ])("%s", (source, expected) => expect(given(source)).toEqual(expected));
});

describe("libraries", () => {
  it.each<[string, unknown]>([
    ["'hello'.charAt(1) + 'hello'.substring(2) + 'hello'.substring(0, 1)", "elloh"],
    ["'tacocat'.indexOf('ac') + 'tacocat'.lastIndexOf('a') + 'x'.indexOf('y')", 5],
    ["'a,b,c'.split(',') == ['a', 'b', 'c'] && ['a', 'b'].join('-') == 'a-b'", true],
    ["'a,b,c'.split(',', 2)", ["a", "b,c"]],
    ["'hello'.replace('l', 'L', 1) + ' TRIM '.trim().lowerAscii() + 'ü'.upperAscii()", "heLlotrimü"],
    ["'%s is %d, %.1f %x %b %%'.format(['a', dyn(3), dyn(2.25), dyn(255), dyn(5)])", "a is 3, 2.3 ff 101 %"],
    ["'abc 123'.find('[0-9]+') + 'abc'.find('x') + 'k8s'.find('[a-z]*?[0-9]')", "123k8"],
    ["'123 abc 456'.findAll('[0-9]+')", ["123", "456"]],
    ["'123 abc 456'.findAll('[0-9]+', 1) + '1'.findAll('x')", ["123"]],
    ["'web-1'.matches('^[a-z]+-[0-9]$') && matches('x', 'x')", true],
    [
      "[3, 1, 2].sort() == [1, 2, 3] && [1, 2].isSorted() && [1, 2].sum() == 3 && [1, 5].max() == 5 && [4, 2].min() == 2",
      true,
    ],
    ["[1, 2, 2].distinct().size() + [[1], [2]].flatten().size() + lists.range(3)[2]", 6],
    ["[1, 2, 3].slice(1, 3).reverse()", [3, 2]],
    ["[1, 2].indexOf(2) + [1, 2].lastIndexOf(3)", 0],
    ["sets.contains([1, 2, 3], [2]) && sets.equivalent([1, 2], [2, 1]) && !sets.intersects([1], [2])", true],
    ["quantity('1Gi').add(quantity('1Gi')).compareTo(quantity('2Gi'))", 0],
    ["quantity('1500m').asApproximateFloat()", 1.5],
    ["isQuantity('1.5Gi') && !isQuantity('x') && quantity('2').isInteger() && sign(quantity('-1')) == -1", true],
    ["quantity('1k').sub(1).asInteger()", 999],
    [
      "isIP('10.0.0.1') && ip('::1').isLoopback() && ip('8.8.8.8').isGlobalUnicast() && ip('fe80::1').isLinkLocalUnicast()",
      true,
    ],
    ["ip('x')", 'fault: IP Address "x" parse error during conversion from string'],
    ["ip.isCanonical('2001:db8::0')", false],
    ["cidr('10.0.0.0/8').containsIP('10.1.2.3') && !cidr('10.0.0.0/8').containsCIDR('11.0.0.0/16')", true],
    ["string(cidr('10.1.2.3/8').masked()) + string(cidr('10.0.0.0/8').prefixLength())", "10.0.0.0/88"],
    [
      "url('https://u.example.com:80/p?a=1&a=2').getHost() + url('https://x/p?a=1&a=2').getQuery()['a'][1]",
      "u.example.com:802",
    ],
    ["isURL('/a') && !isURL('a') && url('https://x/y z').getEscapedPath() == '/y%20z'", true],
    [
      "semver('1.2.3').isLessThan(semver('1.10.0')) && isSemver('v1.2', true) && semver('1.0.0-rc.1').compareTo(semver('1.0.0')) == -1",
      true,
    ],
    [
      "format.dns1123Label().validate('A').hasValue() && !format.named('uuid').value().validate('d8e1e6c0-7f1b-4b6e-8b7c-0a1b2c3d4e5f').hasValue()",
      true,
    ],
    ["jsonpatch.escapeKey('a/b~c')", "a~1b~0c"],
    ["duration('1h30m').getMinutes() + duration('1s').getMilliseconds()", 90],
  ])("%s", (source, expected) => expect(given(source)).toEqual(expected));
});

describe("cost", () => {
  it("stops what is more than it may be", () => {
    const loops = "lists.range(1000).all(a, lists.range(1000).all(b, a + b >= 0))";
    expect(run(loops, 10_000)).toMatchObject({ isOverBudget: true });
    expect(run("[1, 2, 3].all(x, x > 0)")).toMatchObject({ isOverBudget: false, value: true });
  });
  it.each([
    "lists.range(1000000).map(x, lists.range(1000000).map(y, y)).size() > 0",
    `${"[0,1,2,3,4,5,6,7,8,9]".concat(".map(x, [x,x,x,x,x,x,x,x,x,x]).flatten()".repeat(12))}.size() > 0`,
    "lists.range(100000).map(x, 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa').join(',').matches('(a*)*b')",
    "'a'.replace('', 'aaaaaaaaaaaaaaaaaaaaaaaa').replace('a', 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa').replace('a', 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa').replace('a', 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaa').replace('a', 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa').size() > 0",
  ])("of hostile expressions ends: %s", (source) => {
    const { isOverBudget, value, cost } = run(source, 100_000);
    expect(isOverBudget || value instanceof Fault || cost <= 100_000).toBe(true);
  });
  it.each([
    ["'abc 123'.find('[0-9]*')", 2],
    ["'abc 123 abc 123 abc 123'.findAll('[0-9]*')", 6],
  ])("of what is looked for: %s", (source, cost) => {
    expect(run(source).cost).toBe(cost);
  });
  it("does not grow with what is not looked at", () => {
    expect(run("self.replicas == 3").cost).toBeLessThan(5);
  });
});
