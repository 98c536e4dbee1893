import type { Filter, FilterContext } from '../../core/filter.ts';
import { fail } from '#failures/failure.ts';
import { plainText, textAnswer } from '../../filters/plain-answer.ts';
import { filesName } from './settings.ts';
import { filePathOf, isProgram } from './worker-path.ts';
import { respondFrom } from './worker-response.ts';
import { FileRequest } from './worker-request.ts';
import type { FilePorts } from './worker-stream.ts';
import type { ServedFolder } from './worker-served-folder.ts';

const allowed = 'GET, HEAD, OPTIONS';

/** Answers the requests of a route with files. */
export function filesFilter(served: ServedFolder, ports: FilePorts): Filter {
  const filter: Filter = {
    name: filesName,
    limitsSuspension: true,
    onRequestHead(context: FilterContext) {
      const { method } = context.request;
      const { spec, root, cache } = served;
      if (method !== 'GET' && method !== 'HEAD') return spec.passes ? 'continue' : otherMethod(method);
      if (spec.programs !== null && spec.passes && isPlainProgram(context.rewrittenPath, spec.programs))
        return 'continue';
      const cached = cache.find(context);
      if (cached !== null) return respondFrom(cached, spec, root.disk, context, ports);
      const path = filePathOf(context.rewrittenPath);
      if (typeof path === 'string') {
        if (spec.passes) return 'continue';
        return fail('file_not_found', 'filter', {
          ...{ path: context.rewrittenPath.replace(/^\//, ''), root: spec.root, absence: path },
        });
      }
      if (isProgram(path.path, spec.programs)) {
        if (spec.passes) return 'continue';
        return fail('file_not_found', 'filter', { path: path.path, root: spec.root, absence: 'program' });
      }
      const request = new FileRequest(served, path, context, filter, ports);
      context.setState(filter, request);
      return request.begin();
    },
    onCancelled(context) {
      const request = context.getState(filter);
      if (request instanceof FileRequest) request.cancel();
    },
  };
  return filter;
}

/** Most requests of an application are for a program, without an escape in the path: nothing else must be looked at. */
function isPlainProgram(path: string, ending: string): boolean {
  return !path.includes('%') && isProgram(path, ending);
}

function otherMethod(method: string) {
  if (method === 'OPTIONS') return { status: 204, headers: [['Allow', allowed] as const], body: new Uint8Array(0) };
  return textAnswer(405, plainText, 'Files are only read here.\n', [['Allow', allowed]]);
}
