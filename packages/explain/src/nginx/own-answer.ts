import type { AccessFields, Variable } from './access-fields.ts';
import { fix, logMore, readErrorLog } from './fixes.ts';
import type { NginxVerdict } from './verdict.ts';
import { failed } from './verdict.ts';

/** No server was contacted, and the line proves it. */
export function ownAnswer(
  fields: AccessFields,
  status: number,
  type: NginxVerdict['type'],
  sentence: string,
): NginxVerdict {
  return failed(
    {
      shape: 'refused_by_gateway',
      type,
      stage: 'route',
      whose: fields.product === 'ingress-nginx' ? null : 'gateway',
      evidence: [`status ${status}`, 'upstream_addr -'],
      sentence,
      fix:
        fields.product === 'ingress-nginx'
          ? fix(
              'Check that the Service has ready endpoints; if it has, a limit of the Ingress (`limit-rps`, `limit-connections`) refused the request, and a line "limiting requests" says so',
              'kubectl get endpointslices -l kubernetes.io/service-name=SERVICE',
            )
          : readErrorLog(fields.product),
    },
    false,
    'access',
  );
}

/** A failure with more than one possible cause in what is logged. The fix names what to log. */
export function cannotTell(fields: AccessFields, evidence: readonly string[], sentence: string): NginxVerdict {
  return {
    kind: 'access',
    shape: 'unknown',
    type: null,
    stage: null,
    born: null,
    whose: null,
    evidence,
    sentence,
    fix: logMore(fields.product, new Set<Variable>(fields.values.keys())),
    isConsequence: false,
  };
}
