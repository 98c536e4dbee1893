import type { ProxyErrorType } from '../../core/proxy-error.ts';
import type { Whose } from '../../core/shape.ts';
import type { Fix } from '../finding.ts';
import { words } from './connect-rules.ts';
import type { ErrorLine } from './error-line.ts';
import type { Verdict } from './verdict.ts';
import { failed } from './verdict.ts';

/** The gateway declined by itself. */
export const refused = (
  line: ErrorLine,
  type: ProxyErrorType | null,
  whose: Whose,
  sentence: string,
  how: Fix | null,
  isConsequence = false,
): Verdict =>
  failed(
    { shape: 'refused_by_gateway', type, stage: 'route', whose, evidence: words(line), sentence, fix: how },
    isConsequence,
  );
