/** What stands in the place of a name in the path of a proxy. */

export interface TargetName {
  scheme: "http" | "https";
  name: string;
  /** As written: a number, or of a service the name of a port; "" where none is. */
  port: string;
}

/**
 * "name", "name:port" or "scheme:name:port", as SplitSchemeNamePort of k8s.io/apimachinery/pkg/util/net; undefined for anything else.
 * No scheme is http.
 */
export function parseTargetName(text: string): TargetName | undefined {
  const parts = text.split(":");
  if (parts.length > 3) return undefined;
  const scheme = parts.length === 3 ? (parts[0] ?? "") : "";
  const [name = "", port = ""] = parts.length === 3 ? parts.slice(1) : parts;
  if (name === "" || (scheme !== "" && scheme !== "http" && scheme !== "https")) return undefined;
  return { scheme: scheme === "" ? "http" : scheme, name, port };
}
