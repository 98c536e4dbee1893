import { headerFilter } from '../../core/header-names.ts';
import type { Filter, FilterContext, ResponseReplacement } from '../../core/filter.ts';
import type { HeaderLine } from '../../core/line-headers.ts';
import { copyLines } from '../../exchange/retained-response.ts';
import { Disk } from '../files/worker-disk.ts';
import { Root } from '../files/worker-file.ts';
import { contentTypeOf } from '../files/worker-headers.ts';
import type { FileHead } from '../files/worker-response.ts';
import type { FeatureHooks, FeaturePorts } from '../worker-feature.ts';
import { sendFilesName, type SendFilesSpec } from './settings.ts';
import { type FileName, NamedFolders } from './worker-names.ts';
import { namedFailure, SentFile } from './worker-sent-file.ts';

/** The first that a response has counts. */
const naming = ['X-Accel-Redirect', 'X-Sendfile'] as const;

/** What else applications tell nginx by headers: clients do not get them. */
const otherHeaders = ['limit-rate', 'buffering', 'charset', 'expires'].map((name) => `x-accel-${name}`);

/** These say something of the application's body, in whose place the file is sent, or of parts of it. */
const ofBody = headerFilter([
  ...['accept-ranges', 'content-digest', 'content-encoding', 'content-length', 'content-md5', 'content-range'],
  ...['digest', 'etag', 'last-modified', 'repr-digest', 'trailer', 'transfer-encoding'],
]);

/** Responses with these statuses have no body, and mean no file. */
const withoutBody: ReadonlySet<number> = new Set([204, 205, 304]);

export function hooksOf(spec: SendFilesSpec, ports: FeaturePorts): FeatureHooks {
  const folders = new NamedFolders(spec.folders, (folder) => new Root(folder, new Disk(ports.pool), spec.programs));
  const responseHeadersRemoved = [...naming.map((name) => name.toLowerCase()), ...otherHeaders];
  return { filters: [sendFilter(folders, ports)], responseHeadersRemoved };
}

/** Sends a file in place of a response that names one. */
function sendFilter(folders: NamedFolders, ports: FeaturePorts): Filter {
  const filter: Filter = {
    name: sendFilesName,
    limitsSuspension: true,
    replaceResponse(context, response) {
      const { headers, status } = response;
      const header = naming.find((name) => headers.has(name.toLowerCase()));
      if (header === undefined || withoutBody.has(status) || context.request.method === 'CONNECT') return null;
      const lines = copyLines(headers, ofBody);
      const [text = '', ...others] = lines.flatMap(([name, value]) => (isNamed(header, name) ? value : []));
      return replacement(context, { header, text }, others.length > 0, status, lines);
    },
    onCancelled(context) {
      const file = context.getState(filter);
      if (file instanceof SentFile) file.cancel();
    },
  };

  function replacement(
    context: FilterContext,
    name: FileName,
    hasSeveral: boolean,
    status: number,
    lines: readonly HeaderLine[],
  ): ResponseReplacement {
    return () => {
      const found = hasSeveral ? 'several' : folders.find(name);
      if (typeof found === 'string') return namedFailure(context, name, found);
      const file = new SentFile(found, name, fileHeadOf(context, found.path, status, lines), context, filter, ports);
      context.setState(filter, file);
      return file.begin();
    };
  }

  return filter;
}

const isNamed = (wanted: string, name: string): boolean => name.toLowerCase() === wanted.toLowerCase();

/** The application's headers stay, but for those of its body. What it has answered to a request that is not GET or HEAD, or with an error, is sent whole. */
function fileHeadOf(
  { request }: FilterContext,
  path: string,
  status: number,
  lines: readonly HeaderLine[],
): Omit<FileHead, 'name'> {
  const isWhole = status === 200 || status === 206;
  const type = lines.find(([name, value]) => isNamed('Content-Type', name) && value !== '')?.[1];
  return {
    status: isWhole ? 200 : status,
    type: type ?? contentTypeOf(path),
    lines: lines.filter(([name]) => !isNamed('Content-Type', name)),
    isJudged: isWhole && (request.method === 'GET' || request.method === 'HEAD'),
  };
}
