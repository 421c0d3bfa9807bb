/** What `kubectl logs` asks for: PodLogOptions of k8s.io/api/core/v1. */
export interface LogOptions {
  follow: boolean;
  previous: boolean;
  timestamps: boolean;
  sinceSeconds?: number;
  /** RFC 3339 */
  sinceTime?: string;
  tailLines?: number;
  limitBytes?: number;
}

export function logOptions(query: URLSearchParams): LogOptions {
  const flag = (name: string) => ["true", "1"].includes(query.get(name) ?? "");
  const count = (name: string) => {
    const text = query.get(name);
    return text !== null && /^\d+$/.test(text) ? Number(text) : undefined;
  };
  const [sinceSeconds, tailLines, limitBytes] = [count("sinceSeconds"), count("tailLines"), count("limitBytes")];
  const sinceTime = query.get("sinceTime");
  return {
    follow: flag("follow"),
    previous: flag("previous"),
    timestamps: flag("timestamps"),
    ...(sinceSeconds === undefined ? {} : { sinceSeconds }),
    ...(sinceTime === null ? {} : { sinceTime }),
    ...(tailLines === undefined ? {} : { tailLines }),
    ...(limitBytes === undefined ? {} : { limitBytes }),
  };
}
