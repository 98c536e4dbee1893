import type { Dialect } from '../dialect.ts';
import { dialect } from '../dialect.ts';
import type { Finding } from '../finding.ts';

/** `W1121 21:59:47.123456       7 controller.go:1112] …`: the log of ingress-nginx's controller itself. */
const form = /^[IWEF]\d{4} \d\d:\d\d:\d\d\.\d{6}\s{1,10}\d{1,10} ([\w.-]{1,80}\.go):\d{1,6}\] (.*)$/s;

const filesOfController =
  /^(?:controller|nginx|store|main|status|leaderelection|backend_ssl|endpointslices|endpoints|template|event|flags|util|queue|sync|main_common|process)\.go$/;

function read(line: string): Finding | null {
  const found = form.exec(line.slice(0, 8192));
  if (found === null) return null;
  const said = found[2] ?? '';
  const service = /^Service "([^"]{1,200})" does not have any active Endpoint/.exec(said)?.[1] ?? null;
  return {
    gateway: 'ingress-nginx',
    format: 'ingress-nginx controller log',
    kind: 'event',
    confidence: 'certain',
    // The year is not in the line.
    atMs: null,
    shape: 'none',
    type: null,
    stage: null,
    born: null,
    whose: service === null ? null : 'application',
    status: null,
    upstream: service,
    request: null,
    durationMs: null,
    evidence: service === null ? [] : [said.slice(0, 200)],
    sentence: service === null ? '' : 'No pod of that Service is ready: the controller answers its requests with 503.',
    fix:
      service === null
        ? null
        : {
            text: 'Check that pods run, are ready, and have the labels that the Service selects',
            snippet: slicesOf(service),
          },
    joins: null,
    isConsequence: false,
  };
}

/** Only a valid name of a Service may stand in a command that people copy. */
function slicesOf(service: string): string {
  const [, namespace = 'NAMESPACE', name = 'SERVICE'] = /^([a-z\d.-]{1,63})\/([a-z\d.-]{1,63})$/.exec(service) ?? [];
  return `kubectl get endpointslices -n ${namespace} -l kubernetes.io/service-name=${name}`;
}

export const controllerLog: Dialect = dialect(
  'ingress-nginx',
  'ingress-nginx controller log',
  (line) => {
    const found = form.exec(line.slice(0, 8192));
    if (found === null) return 0;
    return (found[2] ?? '').includes('active Endpoint') || filesOfController.test(found[1] ?? '') ? 2 : 1;
  },
  read,
);
