import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { expect, test } from "vitest";
import { decode, encode } from "./codec.ts";

test("a message survives the way there and back, with proto3's defaults for what was not sent", () => {
  const sent = {
    metadata: { name: "p", uid: "u", namespace: "default", attempt: 4_294_967_295 },
    labels: { a: "1", "": "", unicode: "ü€😀" },
    dns_config: { servers: ["10.0.0.10", ""] },
    port_mappings: [{ container_port: 80, host_port: -1 }, {}],
  };
  expect(decode("PodSandboxConfig", encode("PodSandboxConfig", sent))).toEqual({
    metadata: sent.metadata,
    hostname: "",
    log_directory: "",
    dns_config: { servers: ["10.0.0.10", ""], searches: [], options: [] },
    port_mappings: [
      { protocol: 0, container_port: 80, host_port: -1, host_ip: "" },
      { protocol: 0, container_port: 0, host_port: 0, host_ip: "" },
    ],
    labels: sent.labels,
    annotations: {},
    linux: undefined,
  });
});

test("a zero that is meant is sent: user 0 is not no user", () => {
  const { run_as_user, run_as_group } = decode(
    "LinuxContainerSecurityContext",
    encode("LinuxContainerSecurityContext", { run_as_user: { value: 0 } }),
  );
  expect([run_as_user, run_as_group]).toEqual([{ value: 0 }, undefined]);
});

test("numbers keep sign and size", () => {
  const resources = { cpu_quota: -1, memory_limit_in_bytes: 8_796_093_022_208, oom_score_adj: -997 };
  expect(decode("LinuxContainerResources", encode("LinuxContainerResources", resources))).toMatchObject(resources);
});

test("the bytes are those of the wire format", () => {
  // Field 1, length 1 "a"; field 4 (varint) 300.
  const bytes = encode("PodSandboxMetadata", { name: "a", attempt: 300 });
  expect([...bytes]).toEqual([0x0a, 0x01, 0x61, 0x20, 0xac, 0x02]);
  // Repeated integers travel packed.
  const groups = encode("LinuxContainerSecurityContext", { supplemental_groups: [1, 300] });
  expect([...groups]).toEqual([0x42, 0x03, 0x01, 0xac, 0x02]);
});

test("fields of newer engines are skipped", () => {
  const writer = new BinaryWriter();
  writer.tag(99, WireType.LengthDelimited).string("new");
  writer.tag(1, WireType.LengthDelimited).string("kept");
  writer.tag(98, WireType.Varint).int32(7).tag(97, WireType.Bit64).fixed64(1);
  expect(decode("UrlResponse", writer.finish())).toEqual({ url: "kept" });
});

test("bytes that are cut off are an error, not a shorter message", () => {
  const bytes = encode("UrlResponse", { url: "http://127.0.0.1/" });
  expect(() => decode("UrlResponse", bytes.subarray(0, 5))).toThrow();
});
