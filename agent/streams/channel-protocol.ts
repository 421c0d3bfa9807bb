/**
 * The WebSocket protocols of exec and attach: each message is one channel's number and its bytes. Facts from
 * k8s.io/apimachinery/pkg/util/remotecommand and KEP-4006 (v5 adds closing a channel).
 */

export const CHANNEL = { stdin: 0, stdout: 1, stderr: 2, error: 3, resize: 4, close: 255 } as const;

export interface Frame {
  channel: number;
  bytes: Uint8Array;
}

export interface ChannelProtocol {
  encode(frame: Frame): { data: Uint8Array | string; binary: boolean };
  /** Undefined for what is no frame. */
  decode(data: Uint8Array): Frame | undefined;
  /** The error channel carries a Status, also for success (v4 on). Before, it carries the text of an error. */
  statusObjects: boolean;
  /** A message on channel 255 ends the channel it names (v5). */
  closesChannels: boolean;
}

const binary: Pick<ChannelProtocol, "encode" | "decode"> = {
  encode({ channel, bytes }) {
    const data = new Uint8Array(bytes.length + 1);
    data[0] = channel;
    data.set(bytes, 1);
    return { data, binary: true };
  },
  decode(data) {
    const channel = data[0];
    return channel === undefined ? undefined : { channel, bytes: data.subarray(1) };
  },
};

/** Text for browsers: the channel as a digit, then base64. */
const base64: Pick<ChannelProtocol, "encode" | "decode"> = {
  encode: ({ channel, bytes }) => ({ data: channel + Buffer.from(bytes).toString("base64"), binary: false }),
  decode(data) {
    const text = Buffer.from(data).toString("latin1");
    if (!/^[0-9]/.test(text)) return undefined;
    return { channel: Number(text[0]), bytes: Buffer.from(text.slice(1), "base64") };
  },
};

const PROTOCOLS: Record<string, ChannelProtocol> = {
  "v5.channel.k8s.io": { ...binary, statusObjects: true, closesChannels: true },
  "v4.channel.k8s.io": { ...binary, statusObjects: true, closesChannels: false },
  "v4.base64.channel.k8s.io": { ...base64, statusObjects: true, closesChannels: false },
  "channel.k8s.io": { ...binary, statusObjects: false, closesChannels: false },
  "base64.channel.k8s.io": { ...base64, statusObjects: false, closesChannels: false },
};

/** No subprotocol is the oldest binary one. Undefined for an unknown name. */
export function channelProtocol(name: string | undefined): ChannelProtocol | undefined {
  return PROTOCOLS[name === undefined || name === "" ? "channel.k8s.io" : name];
}
