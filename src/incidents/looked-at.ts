import type { SuspectKind } from '../core/live-incident.ts';
import { beforeText, certificates, otherProtocol, refused, type SuspectFinding } from './suspect-facts.ts';
import type { DirectLook } from './watched-upstream.ts';

type Bearing = 'confirms' | 'contradicts' | null;

/** What a look at an endpoint says of a suspect; kinds that are absent are about what one look does not show. */
const bearings: Readonly<Partial<Record<SuspectKind, (look: DirectLook) => Bearing>>> = {
  nothing_listens: (look) => contradictedIf(look.isAccepting, hasCause(look, refused)),
  network: (look) => contradictedIf(look.isAccepting || hasCause(look, refused), look.isHanging),
  slow_application: ({ isAccepting, isHanging }) => contradictedIf(false, isAccepting && isHanging),
  certificate: (look) => contradictedIf(false, hasCause(look, certificates)),
  another_program: (look) => contradictedIf(false, hasCause(look, otherProtocol)),
};

/** A contradicted suspect stays in the list: the endpoint may listen again, or refuse only some connections. */
const loweredBy = 0.25;
const raisedBy = 0.05;

/** The finding as it stands after the look at an endpoint. */
export function weighed(
  kind: SuspectKind,
  finding: SuspectFinding,
  look: DirectLook | null,
  startedAt: number,
): SuspectFinding {
  const bearing = look === null ? null : (bearings[kind]?.(look) ?? null);
  if (look === null || bearing === null) return finding;
  const fit = bearing === 'confirms' ? finding.fit + raisedBy : finding.fit - loweredBy;
  const when = `${beforeText(look.at - startedAt)} the first failure`;
  const evidence =
    bearing === 'confirms'
      ? `a direct look at ${look.endpoint}, ${when}, met the same: ${look.answer}`
      : `against it: a direct look at ${look.endpoint}, ${when}: ${look.answer}`;
  return { ...finding, fit, evidence: [...finding.evidence, evidence] };
}

const contradictedIf = (isOtherwise: boolean, isSame: boolean): Bearing =>
  isOtherwise ? 'contradicts' : isSame ? 'confirms' : null;

const hasCause = ({ cause }: DirectLook, causes: ReadonlySet<string>): boolean => cause !== null && causes.has(cause);
