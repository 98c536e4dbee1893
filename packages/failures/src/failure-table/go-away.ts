import type { CaseTexts } from '../failure-spec.ts';
import { quoted } from './formatting.ts';

/** The GOAWAY by which an endpoint had ended the connection of a stream: the name of its error (RFC 9113 §7), and its debug data. */
export interface GoAwayEvidence {
  readonly goAway?: string;
  readonly text?: string;
}

/** 'GOAWAY ENHANCE_YOUR_CALM, "too_many_pings"'. */
export function goAwayText(code: string, text: string | undefined): string {
  return `GOAWAY ${code}${text === undefined || text === '' ? '' : `, ${quoted(text)}`}`;
}

const framesRefused: CaseTexts = {
  usualCauses: [
    "the endpoint's HTTP/2 server took what came on the connection for an error of the protocol",
    'a proxy between the gateway and the application changes or mixes up frames',
  ],
  nextStep:
    "Look into the log of the endpoint's HTTP/2 server at that moment for the frame that it refused, update it, and set `http2: false` for the upstream until then.",
};

const general: CaseTexts = {
  usualCauses: ["the endpoint's HTTP/2 server ended the connection on purpose, for the reason that its GOAWAY names"],
  nextStep: "Look into the log of the endpoint's HTTP/2 server at that moment: its GOAWAY names the reason.",
};

const byCode: Readonly<Record<string, CaseTexts>> = {
  ENHANCE_YOUR_CALM: {
    usualCauses: [
      "the endpoint's protection against floods takes the gateway for an attacker: it counts small DATA frames, resets, PINGs or WINDOW_UPDATEs of all clients on one connection",
      'clients send uploads in small parts, or cancel many requests',
    ],
    nextStep:
      "Raise the limit of the endpoint's HTTP/2 server that the text of its GOAWAY names (Tomcat: `overheadCountFactor`, `overheadDataThreshold`; gRPC: the enforcement policy of keep-alive), and set `http2: false` for the upstream until then.",
  },
  INTERNAL_ERROR: {
    usualCauses: ["the endpoint's HTTP/2 server failed, and ended the connection with all its streams"],
    nextStep: "Look into the log of the endpoint's HTTP/2 server at that moment for an exception.",
  },
  INADEQUATE_SECURITY: {
    usualCauses: ['the version or the cipher suite of TLS is too weak for HTTP/2 in the view of the endpoint'],
    nextStep:
      'Compare the versions and cipher suites of TLS on both sides (RFC 9113 §9.2), or set `http2: false` for the upstream.',
  },
  HTTP_1_1_REQUIRED: {
    usualCauses: ['the application answers over HTTP/1.1 alone'],
    nextStep: 'Set `http2: false` for the upstream.',
  },
  PROTOCOL_ERROR: framesRefused,
  FLOW_CONTROL_ERROR: framesRefused,
  SETTINGS_TIMEOUT: framesRefused,
  STREAM_CLOSED: framesRefused,
  FRAME_SIZE_ERROR: framesRefused,
  COMPRESSION_ERROR: framesRefused,
};

/** The texts where a GOAWAY names an error; null where it is none, or NO_ERROR: the connection ended in order. */
export function goAwayTexts(code: string | undefined): CaseTexts | null {
  if (code === undefined || code === 'NO_ERROR') return null;
  return Object.hasOwn(byCode, code) ? (byCode[code] ?? general) : general;
}
