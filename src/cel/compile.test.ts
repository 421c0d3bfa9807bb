/** Parsing and checking, with cel-go's messages: what its parser_test.go and checker_test.go expect, and rules as people write them. */
import { describe, expect, it } from "vitest";
import { createCelEnvironment, typeName } from "./environment.ts";
import { BOOL, DYN, INT, listOf, mapOf, objectOf, optionalOf, STRING, TIMESTAMP, type CelType } from "./types.ts";

const container = objectOf("selfType.containers.@idx", (name) => ({ name: STRING, cpu: DYN })[name]);
const FIELDS: Readonly<Record<string, CelType>> = {
  replicas: INT,
  name: STRING,
  hosts: listOf(STRING),
  labels: mapOf(STRING, STRING),
  containers: listOf(container),
  port: DYN,
  created: TIMESTAMP,
  paused: BOOL,
};
const self = objectOf("selfType", (name) => (Object.hasOwn(FIELDS, name) ? FIELDS[name] : undefined));
const environment = createCelEnvironment().with({ self, oldSelf: self, before: optionalOf(self) });

/** The type, or what is wrong. */
function outcome(source: string): string {
  const result = environment.compile(source);
  return "fault" in result ? result.fault : typeName(result.compiled.type);
}

describe("expressions that fit", () => {
  it.each([
    ["self.replicas <= 10 && self.name.startsWith('a')", "bool"],
    ["self.hosts.all(h, h.matches('^[a-z]+$'))", "bool"],
    ["self.containers.exists_one(c, c.name == self.name)", "bool"],
    ["self.labels.all(k, self.labels[k] != '')", "bool"],
    ["self.hosts.map(h, h.size())", "list(int)"],
    ["self.hosts.map(h, h != 'x', h.upperAscii())", "list(string)"],
    ["self.containers.filter(c, has(c.cpu)).size() == 1", "bool"],
    ["self.containers.map(c, c.name)[0]", "string"],
    ["has(self.port) ? type(self.port) == int : true", "bool"],
    ["self.?labels[?'a'].orValue('b')", "string"],
    ["before.hasValue() && before.value().replicas < self.replicas", "bool"],
    ["before.optMap(b, b.replicas).orValue(0)", "int"],
    ["optional.none().or(optional.of(1)).hasValue()", "bool"],
    ["[1, 2] + [3]", "list(int)"],
    ["{'a': 1, 'b': 2}.a", "int"],
    ["[]", "list(dyn)"],
    ["{}", "map(dyn, dyn)"],
    ["1.5 > 1 && 2u < 3", "bool"],
    ["duration('1h') > duration('1m')", "bool"],
    ["timestamp('2024-01-01T00:00:00Z') < self.created", "bool"],
    ["self.created.getFullYear() > 2000", "bool"],
    ["quantity('1Gi').add(quantity('1Mi')).isGreaterThan(quantity('1'))", "bool"],
    ["url('https://x/y').getHost()", "string"],
    ["isIP('::1') && ip('::1').family() == 6", "bool"],
    ["cidr('10.0.0.0/8').containsIP('10.1.1.1')", "bool"],
    ["ip.isCanonical('::1')", "bool"],
    ["semver('1.2.3').isLessThan(semver('2.0.0'))", "bool"],
    ["format.dns1123Label().validate(self.name).hasValue()", "bool"],
    ["!format.named('uuid').value().validate('x').hasValue()", "bool"],
    ["sets.contains(self.hosts, ['a'])", "bool"],
    ["self.hosts.isSorted() && self.hosts.max() > 'b' && [1, 2].sum() == 3", "bool"],
    ["self.hosts.join(',').split(',').indexOf('a')", "int"],
    ["'%s has %d'.format([self.name, dyn(3)])", "string"],
    ["'a1'.find('[0-9]') + 'b2'.findAll('[0-9]', 1)[0]", "string"],
    ["self.labels.transformMap(k, v, v + '!')", "map(string, string)"],
    ["self.labels.transformList(k, v, k + v)", "list(string)"],
    ["self.hosts.all(i, h, i < 3 && h != '')", "bool"],
    ["lists.range(3).reverse().distinct().slice(0, 1).sort()", "list(int)"],
    ["[[1], [2]].flatten()", "list(int)"],
    ["string(1) + string(1.5) + string(true) + string(b'a')", "string"],
    ["int('1') + int(2.5) - -3 * 4 / 2 % 2", "int"],
    ["-self.replicas", "int"],
    ["'a' in self.labels && 'b' in self.hosts", "bool"],
    ['r\'\\d\' + """x\ny""" + \'\\u0041\\x41\\101\'', "string"],
    ["b'\\xff\\000'", "bytes"],
    ["null == self.port", "bool"],
    ["true // why", "bool"],
    [".self.replicas == 1", "bool"],
    ["dyn(1) == 'a'", "bool"],
    ["type(self.replicas) == int", "bool"],
    ["type(1) == type(2)", "bool"],
  ])("%s: %s", (source, type) => expect(outcome(source)).toBe(type));
});

const STARTS =
  "{'[', '{', '(', '.', '-', '!', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}";

describe("expressions that do not", () => {
  it.each([
    ["self.foo == 1", "ERROR: <input>:1:5: undefined field 'foo'\n | self.foo == 1\n | ....^"],
    ["foo", "ERROR: <input>:1:1: undeclared reference to 'foo' (in container '')\n | foo\n | ^"],
    [
      "self.replicas + 'a'",
      "ERROR: <input>:1:15: found no matching overload for '_+_' applied to '(int, string)'\n | self.replicas + 'a'\n | ..............^",
    ],
    [
      "self.name.foo()",
      "ERROR: <input>:1:14: undeclared reference to 'foo' (in container '')\n | self.name.foo()\n | .............^",
    ],
    [
      "self.replicas.startsWith('a')",
      "ERROR: <input>:1:25: found no matching overload for 'startsWith' applied to 'int.(string)'\n | self.replicas.startsWith('a')\n | ........................^",
    ],
    [
      "self.name.x",
      "ERROR: <input>:1:10: type 'string' does not support field selection\n | self.name.x\n | .........^",
    ],
    [
      "self.hosts.all(h, h)",
      "ERROR: <input>:1:19: expected type 'bool' but found 'string'\n | self.hosts.all(h, h)\n | ..................^",
    ],
    [
      "self.hosts.filter(h, h)",
      "ERROR: <input>:1:18: found no matching overload for '_?_:_' applied to '(string, list(string), list(string))'\n | self.hosts.filter(h, h)\n | .................^",
    ],
    [
      "self.replicas.all(r, true)",
      "ERROR: <input>:1:5: expression of type 'int' cannot be range of a comprehension (must be list, map, or dynamic)\n | self.replicas.all(r, true)\n | ....^",
    ],
    ["[1, 'a']", "ERROR: <input>:1:5: expected type 'int' but found 'string'\n | [1, 'a']\n | ....^"],
    [
      "true ? 1 : 'a'",
      "ERROR: <input>:1:6: found no matching overload for '_?_:_' applied to '(bool, int, string)'\n | true ? 1 : 'a'\n | .....^",
    ],
    [
      "self.replicas && true",
      "ERROR: <input>:1:5: expected type 'bool' but found 'int'\n | self.replicas && true\n | ....^",
    ],
    [
      "self.a == 1 || self.b == 1",
      "ERROR: <input>:1:5: undefined field 'a'\n | self.a == 1 || self.b == 1\n | ....^\nERROR: <input>:1:20: undefined field 'b'\n | self.a == 1 || self.b == 1\n | ...................^",
    ],
    ["true &&\nself.q", "ERROR: <input>:2:5: undefined field 'q'\n | self.q\n | ....^"],
    ["'é' + x", "ERROR: <input>:1:7: undeclared reference to 'x' (in container '')\n | 'é' + x\n | .．....^"],
    ["has(self)", "ERROR: <input>:1:5: invalid argument to has() macro\n | has(self)\n | ....^"],
    [
      "self.hosts.map(1, 2)",
      "ERROR: <input>:1:16: argument is not an identifier\n | self.hosts.map(1, 2)\n | ...............^",
    ],
    [
      "self.hosts.all(a.b, true)",
      "ERROR: <input>:1:17: argument must be a simple name\n | self.hosts.all(a.b, true)\n | ................^",
    ],
    ["duration('x')", "ERROR: <input>:1:10: invalid duration argument\n | duration('x')\n | .........^"],
    [
      "timestamp('2024-02-30T00:00:00Z') == self.created",
      "ERROR: <input>:1:11: invalid timestamp argument\n | timestamp('2024-02-30T00:00:00Z') == self.created\n | ..........^",
    ],
    [
      "self.name.matches('(')",
      "ERROR: <input>:1:19: invalid matches argument\n | self.name.matches('(')\n | ..................^",
    ],
    // The rest is of cel-go's parser_test.go.
    ["1 +", `ERROR: <input>:1:4: Syntax error: mismatched input '<EOF>' expecting ${STARTS}\n | 1 +\n | ...^`],
    [
      "1 + $",
      `ERROR: <input>:1:5: Syntax error: token recognition error at: '$'\n | 1 + $\n | ....^\nERROR: <input>:1:6: Syntax error: mismatched input '<EOF>' expecting ${STARTS}\n | 1 + $\n | .....^`,
    ],
    ["1 + 2\n3 +", "ERROR: <input>:2:1: Syntax error: mismatched input '3' expecting <EOF>\n | 3 +\n | ^"],
    [
      "a | b",
      "ERROR: <input>:1:3: Syntax error: token recognition error at: '| '\n | a | b\n | ..^\nERROR: <input>:1:5: Syntax error: extraneous input 'b' expecting <EOF>\n | a | b\n | ....^",
    ],
    [
      "*@a | b",
      `ERROR: <input>:1:1: Syntax error: extraneous input '*' expecting ${STARTS}\n | *@a | b\n | ^\nERROR: <input>:1:2: Syntax error: token recognition error at: '@'\n | *@a | b\n | .^\nERROR: <input>:1:5: Syntax error: token recognition error at: '| '\n | *@a | b\n | ....^\nERROR: <input>:1:7: Syntax error: extraneous input 'b' expecting <EOF>\n | *@a | b\n | ......^`,
    ],
    [
      "self.true == 1",
      "ERROR: <input>:1:6: Syntax error: mismatched input 'true' expecting IDENTIFIER\n | self.true == 1\n | .....^",
    ],
    ["(1", "ERROR: <input>:1:3: Syntax error: missing ')' at '<EOF>'\n | (1\n | ..^"],
    ["while", "ERROR: <input>:1:1: reserved identifier: while\n | while\n | ^"],
    ["9223372036854775808", "ERROR: <input>:1:1: invalid int literal\n | 9223372036854775808\n | ^"],
    ["18446744073709551616u", "ERROR: <input>:1:1: invalid uint literal\n | 18446744073709551616u\n | ^"],
    ["1.99e90000009", "ERROR: <input>:1:1: invalid double literal\n | 1.99e90000009\n | ^"],
  ])("%s", (source, message) => expect(outcome(source)).toBe(message));
});

function repeat(part: string, count: number): string {
  return part.repeat(count);
}

describe("hostile expressions", () => {
  it.each<[string, string, RegExp | string]>([
    [
      "parentheses",
      `${repeat("(", 300)}1${repeat(")", 300)}`,
      "ERROR: <input>:-1:0: expression recursion limit exceeded: 250",
    ],
    ["lists", repeat("[", 10_000), "ERROR: <input>:-1:0: expression recursion limit exceeded: 250"],
    ["selections", `self${repeat(".a", 300)}`, "ERROR: <input>:-1:0: expression recursion limit exceeded: 250"],
    ["additions", `1${repeat("+1", 300)}`, "ERROR: <input>:-1:0: expression recursion limit exceeded: 250"],
    ["negations", `${repeat("!", 50_001)}self.paused`, "bool"],
    ["terms", `self.paused${repeat("||self.paused", 7_000)}`, "bool"],
    [
      "length",
      repeat("a", 100_001),
      "ERROR: <input>:-1:0: expression code point size exceeds limit: size: 100001, limit 100000",
    ],
    [
      "faults",
      repeat("self.x == 1 || ", 6_000) + "true",
      /^ERROR: <input>:1:5: undefined field 'x'\n.*5900 more errors were truncated$/s,
    ],
    ["bad characters", repeat("$", 90_000), /more errors were truncated$/],
    ["unclosed quotes", repeat("'", 90_001), /ERROR/],
    ["types that double", `[1]${repeat(".map(a, {a: a})", 60)}`, /^list\(/],
    ["optionals in optionals", `before${repeat(".optMap(a, a)", 100)}.hasValue()`, "bool"],
    ["numbers", repeat("9", 90_000), "invalid int literal"],
    ["comments", `${repeat("//\n", 30_000)}true`, "bool"],
  ])("%s are answered for", (_, source, expected) => {
    const found = outcome(source);
    if (typeof expected === "string" && expected === "invalid int literal") expect(found).toContain(expected);
    else if (typeof expected === "string") expect(found).toBe(expected);
    else expect(found).toMatch(expected);
    expect(found.length).toBeLessThan(300_000);
  });
});
