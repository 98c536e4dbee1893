/** What alerts are about. */
export const alertKinds = [
  'incident',
  'gateway',
  'release',
  'application',
  'job',
  'upstream',
  'dependency',
  'certificate',
  'disk',
  'records',
  'slo',
] as const;
export type AlertKind = (typeof alertKinds)[number];

/** What has become of it. `grown`: it is worse than when it was last reported. `corrected`: its cause is probably another one than was reported. */
export const alertChanges = ['opened', 'grown', 'corrected', 'resolved'] as const;
type AlertChange = (typeof alertChanges)[number];

/** From the least to the worst. */
export const alertSeverities = ['info', 'warning', 'critical'] as const;
export type AlertSeverity = (typeof alertSeverities)[number];

/** One change of something that people are told of, as all targets get it. */
export interface Alert {
  /** Identifies the message: a target that gets it twice can tell. */
  readonly id: string;
  /** What it is about. All changes of the same thing have the same key. */
  readonly key: string;
  /** What it is about across its ends: what comes again has the same. */
  readonly about: string;
  /** `test`: sent by `candor alert test`, whatever the target is configured for. */
  readonly kind: AlertKind | 'test';
  readonly change: AlertChange;
  readonly severity: AlertSeverity;
  /** Milliseconds since the Unix epoch. */
  readonly at: number;
  readonly deployment: string;
  readonly member: string;
  /** The subject of the event. */
  readonly subject: string;
  /** Null: it is of no single upstream. */
  readonly upstream: string | null;
  /** All that it concerns; empty: none, or not known. */
  readonly upstreams: readonly string[];
  readonly routes: readonly string[];
  /** A few words. */
  readonly title: string;
  /** The verdict, one or two sentences. */
  readonly text: string;
  /** Facts, each one sentence or clause. */
  readonly evidence: readonly string[];
  readonly nextStep: string | null;
  /** The number of the incident; null: it is about none. */
  readonly incident: number | null;
  /**
   * For what is reported again as it gets worse by itself, such as days that are left: the steps that it has reached, the milder ones included.
   * Each is reported once, so that nothing is reported as worse while it recovers.
   */
  readonly steps: readonly string[];
  /** Of an incident, the name of its likeliest cause; absent: it is not known, or this is about no incident. */
  readonly cause?: string;
}

/** `alerts` of the configuration. */
export interface AlertsSpec {
  /** Where people reach the dashboard; messages link to it. Null: no link. */
  readonly link: string | null;
  /** A thing that grows is reported at most once in this time. */
  readonly grownEveryMs: number;
  readonly targets: readonly AlertTargetSpec[];
}

/** Which alerts a target gets, and how they are sent. */
export interface AlertTargetSpec {
  readonly id: string;
  readonly kinds: readonly AlertKind[];
  readonly changes: readonly AlertChange[];
  readonly severityMin: AlertSeverity;
  /** Empty: of all. An alert without an upstream or routes is sent in any case. */
  readonly upstreams: readonly string[];
  readonly routes: readonly string[];
  readonly channel: AlertChannelSpec;
}

/** `url`s and keys are secrets. */
export type AlertChannelSpec =
  | {
      readonly type: 'webhook';
      readonly url: string;
      /** Sent as `Authorization: Bearer`; null: none. */
      readonly token: string | null;
      readonly ca: readonly string[];
    }
  | { readonly type: 'slack' | 'discord'; readonly url: string; readonly ca: readonly string[] }
  | { readonly type: 'pagerduty'; readonly url: string; readonly routingKey: string; readonly ca: readonly string[] }
  | SmtpChannelSpec
  | { readonly type: 'command'; readonly command: readonly string[]; readonly timeoutMs: number };

export interface SmtpChannelSpec {
  readonly type: 'smtp';
  readonly host: string;
  readonly port: number;
  /** `starttls`: the server must offer it. `implicit`: TLS from the first byte. */
  readonly tls: 'starttls' | 'implicit' | 'none';
  readonly user: string | null;
  readonly password: string | null;
  readonly from: string;
  readonly to: readonly string[];
  readonly ca: readonly string[];
}

export function isSevere(severity: AlertSeverity, min: AlertSeverity): boolean {
  return alertSeverities.indexOf(severity) >= alertSeverities.indexOf(min);
}
