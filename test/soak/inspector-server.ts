import { Session } from 'node:inspector';
import { createServer, type Socket } from 'node:net';
import { isMainThread } from 'node:worker_threads';

/**
 * Controls the workers of a gateway under test through Node's inspector: it ends them, and lists what keeps them alive.
 * `NODE_OPTIONS=--import` loads it before the gateway; the gateway itself has no such interface. It listens at
 * `$CANDOR_SOAK_INSPECTOR-<pid>`; each line of JSON is a request, and gets one line as its answer.
 */
export type InspectionRequest =
  /** `which`: from 0 to 1, among the running workers. `how`: an expression that the worker runs. */
  { readonly do: 'run'; readonly which: number; readonly expression: string } | { readonly do: 'look' };

/** What keeps a thread's event loop alive: how many of each kind. */
export interface ThreadSnapshot {
  readonly thread: string;
  readonly resources: Readonly<Record<string, number>>;
  readonly heapBytes: number;
}

interface AttachedWorker {
  readonly sessionId: string;
  readonly workerInfo: { readonly workerId: string; readonly url: string };
}

const socketPath = process.env['CANDOR_SOAK_INSPECTOR'];
// Programs that the gateway starts, and commands that talk to it, inherit the option too.
if (isMainThread && socketPath !== undefined && process.argv[2] === 'up') open(`${socketPath}-${process.pid}`);

function open(path: string): void {
  const server = createServer((socket) => {
    let text = '';
    socket.on('error', () => {});
    socket.setEncoding('utf8').on('data', (part: string) => {
      text += part;
      if (text.endsWith('\n')) void respond(JSON.parse(text) as InspectionRequest, socket);
    });
    socket.unref();
  });
  server.listen(path).unref();
}

async function respond(request: InspectionRequest, socket: Socket): Promise<void> {
  try {
    socket.end(`${JSON.stringify(await answerOf(request))}\n`);
  } catch (error) {
    socket.end(`${JSON.stringify({ failed: String(error) })}\n`);
  }
}

async function answerOf(request: InspectionRequest): Promise<unknown> {
  return withWorkers(async (workers, evaluate) => {
    if (request.do === 'run') {
      const worker = workers[Math.min(workers.length - 1, Math.floor(request.which * workers.length))];
      if (worker === undefined) throw new Error('no worker runs');
      void evaluate(worker, request.expression);
      // The posted message has been sent once the debugger has answered another command.
      await new Promise((resolve) => setTimeout(resolve, 20).unref());
      return { threadId: Number(worker.workerInfo.workerId) };
    }
    const looks: ThreadSnapshot[] = [lookOf('main', process.getActiveResourcesInfo(), process.memoryUsage().heapUsed)];
    for (const worker of workers) {
      const expression = 'JSON.stringify([process.getActiveResourcesInfo(), process.memoryUsage().heapUsed])';
      const [resources, heap] = JSON.parse(await evaluate(worker, expression)) as [string[], number];
      looks.push(lookOf(`worker ${worker.workerInfo.workerId}`, resources, heap));
    }
    return looks;
  });
}

function lookOf(thread: string, all: readonly string[], heapBytes: number): ThreadSnapshot {
  const resources: Record<string, number> = {};
  for (const name of all) resources[name] = (resources[name] ?? 0) + 1;
  return { thread, resources, heapBytes };
}

type Evaluate = (worker: AttachedWorker, expression: string) => Promise<string>;

async function withWorkers<T>(use: (workers: readonly AttachedWorker[], evaluate: Evaluate) => Promise<T>): Promise<T> {
  const session = new Session();
  session.connect();
  const post = (method: string, parameters: object): Promise<void> =>
    new Promise((resolve, reject) => {
      session.post(method, parameters, (error) => (error === null ? resolve() : reject(new Error(error.message))));
    });
  const attached: AttachedWorker[] = [];
  const answers = new Map<string, (value: string) => void>();
  session.on('NodeWorker.attachedToWorker', ({ params }) => void attached.push(params as AttachedWorker));
  session.on('NodeWorker.receivedMessageFromWorker', ({ params }) => {
    const { result } = JSON.parse(params.message) as { result?: { result?: { value?: string } } };
    answers.get(params.sessionId)?.(result?.result?.value ?? '[[],0]');
  });
  try {
    await post('NodeWorker.enable', { waitForDebuggerOnStart: false });
    const evaluate: Evaluate = async ({ sessionId }, expression) => {
      const answer = Promise.withResolvers<string>();
      answers.set(sessionId, answer.resolve);
      // A worker that ends meanwhile does not answer.
      const timer = setTimeout(() => answer.resolve('[[],0]'), 5000).unref();
      const parameters = { expression, returnByValue: true };
      const message = JSON.stringify({ id: 1, method: 'Runtime.evaluate', params: parameters });
      await post('NodeWorker.sendMessageToWorker', { sessionId, message });
      const value = await answer.promise;
      clearTimeout(timer);
      return value;
    };
    const serving = attached.filter(({ workerInfo }) => workerInfo.url.includes('worker-main'));
    return await use(serving, evaluate);
  } finally {
    await post('NodeWorker.disable', {}).catch(() => {});
    session.disconnect();
  }
}
