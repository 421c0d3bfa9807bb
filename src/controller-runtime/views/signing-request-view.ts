/** What controllers keep of a CertificateSigningRequest: how far it is, and when it may go. */
import { certificateEndMs } from "../../kinds/certificates/certificatesigningrequests/request.ts";
import type {
  CertificateSigningRequest,
  SigningCondition,
} from "../../kinds/certificates/certificatesigningrequests/types.ts";
import type { KubeObject } from "../../machinery/meta.ts";
import { metaView, type View } from "./view.ts";

export interface SigningRequestView extends View {
  signerName: string;
  conditions: readonly Pick<SigningCondition, "type" | "status" | "lastUpdateTime">[];
  isIssued: boolean;
  /** Until when the certificate is good (Unix ms). Absent where there is none, or none that can be read. */
  endsMs?: number;
}

export function signingRequestView(object: KubeObject): SigningRequestView {
  const { metadata, spec, status } = object as CertificateSigningRequest;
  const { conditions = [], certificate = "" } = status ?? {};
  const endsMs = certificate === "" ? undefined : certificateEndMs(certificate);
  return {
    metadata: metaView(metadata),
    signerName: spec.signerName,
    conditions: conditions.map(({ type, status: is, lastUpdateTime }) => ({
      type,
      status: is,
      ...(lastUpdateTime === undefined ? {} : { lastUpdateTime }),
    })),
    isIssued: certificate !== "",
    ...(endsMs === undefined ? {} : { endsMs }),
  };
}

export function hasCondition({ conditions }: Pick<SigningRequestView, "conditions">, type: string): boolean {
  return conditions.some((condition) => condition.type === type);
}
