import type { ProxyErrorType } from '../../../failures/src/proxy-error.ts';
import type { Whose } from '../../../failures/src/shape.ts';
import type { Fix } from '../finding.ts';
import { lineEvidence } from './connect-rules.ts';
import type { NginxErrorLine } from './error-line.ts';
import type { NginxVerdict } from './verdict.ts';
import { failed } from './verdict.ts';

/** The gateway itself denied the request. */
export const refused = (
  line: NginxErrorLine,
  type: ProxyErrorType | null,
  whose: Whose,
  sentence: string,
  how: Fix | null,
  isConsequence = false,
): NginxVerdict =>
  failed(
    { shape: 'refused_by_gateway', type, stage: 'route', whose, evidence: lineEvidence(line), sentence, fix: how },
    isConsequence,
  );
