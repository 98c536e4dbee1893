import { commonLogTimeMs } from '../line-text.ts';
import { patternFields, reasonDialect, type ReasonLog } from '../reason-log/reason-log.ts';

/** `log_format proxy` of Nginx Proxy Manager: the status of the cache, of the upstream, and the client's. */
const form =
  /^\[(?<at>\d\d\/[A-Z][a-z]{2}\/\d{4}:\d\d:\d\d:\d\d [+-]\d{4})\] (?:[A-Z-]{1,12} (?<originStatus>[\d, :-]{1,200}) )?(?<status>\d{3}) - (?<method>[A-Z]{3,10}) \S{1,10} (?<host>\S{1,255}) "(?<path>[^"]{0,8000})" \[Client [^\]]{1,60}\] \[Length [^\]]{1,20}\] \[Gzip [^\]]{1,10}\](?: \[Sent-to (?<upstream>[^\]]{1,200})\])?/;

const fields = patternFields(form);

const proxyManager: ReasonLog = {
  gateway: 'nginx',
  name: 'nginx',
  born: 'reverse-proxy',
  format: 'nginx access log (Nginx Proxy Manager)',
  recognise: (line) => (line.startsWith('[') && form.test(line) ? 2 : 0),
  fields: (line) => {
    const found = fields(line) as (ReturnType<typeof fields> & { readonly at?: string }) | null;
    if (found === null) return null;
    const atMs = commonLogTimeMs(found.at ?? '');
    return atMs === null ? found : { ...found, time: new Date(atMs).toISOString() };
  },
  reasons: {},
  // nginx writes 502 and 504 as the upstream's status for its own failures, too; another one came from the application.
  judge: ({ originStatus = '-' }, status) => {
    const last = originStatus.split(/[,: ]+/).at(-1) ?? '-';
    if (status === null || status < 500) return null;
    if (status === 502 || status === 504 || last === '-') return 'unknown';
    return last === String(status) ? 'application' : 'unknown';
  },
};

export const proxyManagerLog = reasonDialect(proxyManager);
