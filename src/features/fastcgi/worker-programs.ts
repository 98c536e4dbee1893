import { fail, type Failure, type ScriptFault } from '#failures/failure.ts';
import type { ScriptFacts } from '../../core/cgi.ts';
import type { Filter, FilterContext, FilterDecision } from '../../core/filter.ts';
import { plainText, textAnswer } from '../../filters/plain-answer.ts';
import { decoded, hidesSlash } from '../../upstream/fastcgi/cgi-variables.ts';
import type { FeatureHooks, FeaturePorts } from '../worker-feature.ts';
import type { PhpSpec } from './settings.ts';
import { chooseScript } from './worker-choice.ts';
import { type FoundPath, ScriptFolder } from './worker-scripts.ts';

type ProgramPorts = Pick<FeaturePorts, 'clock' | 'answered'>;

/** Finds the program before an endpoint is chosen, and names it when the request is sent. */
export function hooksOf(spec: PhpSpec, ports: ProgramPorts): FeatureHooks {
  const filter = programFilter(spec, new ScriptFolder(spec.root, ports.clock), ports);
  return { filters: [filter], script: (exchange) => (exchange.getState(filter) as ScriptFacts | undefined) ?? null };
}

function programFilter(spec: PhpSpec, folder: ScriptFolder, { clock, answered }: ProgramPorts): Filter {
  const filter: Filter = {
    name: 'php',
    onRequestHead(exchange) {
      const path = exchange.rewrittenPath;
      if (hidesSlash(path))
        return fail('script_not_found', 'filter', { script: path, root: spec.root, why: 'bad_path' });
      return decide(exchange, decoded(path), null);
    },
  };
  // Where nobody has looked, the response says that there is the program.
  if (spec.remote)
    filter.onResponseHead = (exchange) => {
      const script = exchange.getState(filter) as ScriptFacts | undefined;
      if (script?.onUnknown !== undefined) answered.add(keyOf(script.name));
    };

  /** `found`: by looks for this request, which may be older than what the folder keeps. */
  function decide(exchange: FilterContext, path: string, found: ReadonlyMap<string, FoundPath> | null): FilterDecision {
    const choice = chooseScript(path, spec, (name) => found?.get(name) ?? folder.known(name));
    switch (choice.kind) {
      case 'script':
        exchange.setState(filter, ofChoice(choice.script, choice.isNamed));
        return 'continue';
      case 'folder':
        return toFolder(exchange);
      case 'none':
        return withoutScript(choice.script, choice.why);
      case 'ask':
        folder.look(choice.path, (result) => {
          const decision = decide(exchange, path, new Map(found).set(choice.path, result));
          if (decision !== 'suspend') exchange.resume(filter, decision);
        });
        return 'suspend';
    }
  }

  /** The front controller is asked for paths that only clients know: that one was answered means nothing. */
  function ofChoice(script: ScriptFacts, isNamed: boolean): ScriptFacts {
    if (!isNamed) return script;
    if (!spec.remote) answered.add(keyOf(script.name));
    else if (script.name !== spec.frontController)
      return { ...script, onUnknown: () => withoutScript(script.name, 'missing') };
    return script;
  }

  /** No target of a request has a line feed. */
  function keyOf(name: string): string {
    return `${spec.root}\n${name}`;
  }

  function withoutScript(script: string, why: ScriptFault): Failure {
    const { root } = spec;
    return why === 'missing' && answered.isLost(keyOf(script), clock.now())
      ? fail('site_file_missing', 'filter', { path: script, root, what: 'page' })
      : fail('script_not_found', 'filter', { script, root, why });
  }

  return filter;
}

/** Relative links of a page of a folder need the slash. The path is the plain one: two slashes at its beginning would be another host. */
function toFolder({ request, path }: FilterContext): FilterDecision {
  const mark = request.target.indexOf('?');
  const location = `${path}/${mark < 0 ? '' : request.target.slice(mark)}`;
  const status = request.method === 'GET' || request.method === 'HEAD' ? 301 : 308;
  return textAnswer(status, plainText, `See ${location}\n`, [['Location', location]]);
}
