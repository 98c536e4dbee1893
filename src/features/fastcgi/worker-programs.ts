import { fail, type Failure, type ScriptFault } from '#failures/failure.ts';
import type { ScriptFacts } from '../../core/cgi.ts';
import type { Filter, FilterContext, FilterDecision } from '../../core/filter.ts';
import { toFolder } from '../../filters/to-folder.ts';
import { decoded, hidesSlash } from '../../upstream/fastcgi/cgi-variables.ts';
import { Disk } from '../files/worker-disk.ts';
import type { FilePorts } from '../files/worker-stream.ts';
import { DiskTask } from '../files/worker-task.ts';
import type { FeatureHooks, FeaturePorts } from '../worker-feature.ts';
import type { PhpSpec } from './settings.ts';
import { chooseScript, inBytes, type ProgramSpec, type ScriptChoice } from './worker-choice.ts';
import { type FoundPath, ScriptFolder } from './worker-scripts.ts';

type Decided = Exclude<ScriptChoice, { readonly kind: 'ask' }>;
type Decision = Exclude<FilterDecision, 'suspend'>;

/** Finds the program before an endpoint is chosen, and names it when the request is sent. */
export function hooksOf(spec: PhpSpec, ports: FeaturePorts): FeatureHooks {
  const filter = programFilter(spec, new ScriptFolder(spec.root, new Disk(ports.pool), ports.clock), ports);
  return {
    filters: [filter],
    script(exchange) {
      const state = exchange.getState(filter) as ProgramLook | ScriptFacts | undefined;
      return (state instanceof ProgramLook ? state.script : state) ?? null;
    },
  };
}

export function programFilter(spec: PhpSpec, folder: ScriptFolder, ports: FilePorts): Filter {
  const programs = inBytes(spec);
  const filter: Filter = {
    name: 'php',
    limitsSuspension: true,
    onRequestHead(exchange) {
      const { rewrittenPath } = exchange;
      if (hidesSlash(rewrittenPath))
        return fail('script_not_found', 'filter', { script: rewrittenPath, root: spec.root, why: 'bad_path' });
      const path = decoded(rewrittenPath);
      const choice = chooseScript(path, programs, (name) => folder.known(name));
      if (choice.kind === 'ask') {
        const look = new ProgramLook(path, programs, folder, exchange, filter, ports);
        exchange.setState(filter, look);
        return look.begin();
      }
      if (choice.kind === 'script') exchange.setState(filter, factsOf(choice, programs, ports));
      return decisionOf(choice, programs, exchange, ports);
    },
    onCancelled(exchange) {
      const state = exchange.getState(filter);
      if (state instanceof ProgramLook) state.cancel();
    },
  };
  // Where nobody has looked, the response says that there is the program.
  if (spec.remote)
    filter.onResponseHead = (exchange) => {
      const script = exchange.getState(filter) as ScriptFacts | undefined;
      if (script?.onUnknown !== undefined) ports.answered.add(keyOf(script.name, programs));
    };
  return filter;
}

/** Looks in the folder for the program of one request, which is suspended meanwhile. */
class ProgramLook extends DiskTask {
  readonly #path: string;
  readonly #spec: ProgramSpec;
  readonly #folder: ScriptFolder;
  /** What was found. */
  script: ScriptFacts | null = null;

  constructor(
    path: string,
    spec: ProgramSpec,
    folder: ScriptFolder,
    context: FilterContext,
    filter: Filter,
    ports: FilePorts,
  ) {
    super(context.path, folder.disk, context, filter, ports);
    this.#path = path;
    this.#spec = spec;
    this.#folder = folder;
  }

  protected async decide(): Promise<Decision> {
    /** By this request, longer ago perhaps than what the folder keeps. */
    const found = new Map<string, FoundPath>();
    for (;;) {
      const choice = chooseScript(this.#path, this.#spec, (name) => found.get(name) ?? this.#folder.known(name));
      if (choice.kind === 'ask') {
        found.set(choice.path, await this.#folder.look(choice.path));
        continue;
      }
      if (choice.kind === 'script') this.script = factsOf(choice, this.#spec, this.ports);
      return decisionOf(choice, this.#spec, this.context, this.ports);
    }
  }
}

function decisionOf(choice: Decided, spec: ProgramSpec, exchange: FilterContext, ports: FilePorts): Decision {
  if (choice.kind === 'none') return withoutScript(choice.script, choice.why, spec, ports);
  const isPathOfRoute = spec.isBelow && exchange.rewrittenPath === '/' && !exchange.path.endsWith('/');
  if (choice.kind === 'folder' || isPathOfRoute) return toFolder(exchange);
  // The front controller is asked for paths that only clients know: that one was answered means nothing.
  if (choice.isNamed && !spec.remote) ports.answered.add(keyOf(choice.script.name, spec));
  return 'continue';
}

function factsOf(
  { script, isNamed }: Extract<Decided, { readonly kind: 'script' }>,
  spec: ProgramSpec,
  ports: FilePorts,
): ScriptFacts {
  if (!isNamed || !spec.remote || script.name === spec.frontController) return script;
  return { ...script, onUnknown: () => withoutScript(script.name, 'missing', spec, ports) };
}

/** No target of a request has a line feed. */
const keyOf = (name: string, { root }: ProgramSpec): string => `${root}\n${name}`;

function withoutScript(name: string, why: ScriptFault, spec: ProgramSpec, { answered, clock }: FilePorts): Failure {
  const { root } = spec;
  const script = Buffer.from(name, 'latin1').toString();
  return why === 'missing' && answered.isLost(keyOf(name, spec), clock.now())
    ? fail('site_file_missing', 'filter', { path: script.slice(1), root, what: 'page' })
    : fail('script_not_found', 'filter', { script, root, why });
}
