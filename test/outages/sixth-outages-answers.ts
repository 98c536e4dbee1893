import { ordinaryFlows } from './flows.ts';
import type { Lab } from './lab.ts';
import type { Outage } from './outage.ts';
import { outage } from './outage-form.ts';
import { managed, pair, shop } from './shop.ts';
import { team, teamFlows } from './team.ts';
import { usualShop } from './third-outages-applications.ts';

const usual = ordinaryFlows();
const scripts = { method: 'GET', path: '/static/app.js', perSecond: 4 };
const moreProducts = { method: 'GET', path: '/products/{n}', perSecond: 5 };
const moreFiles = { method: 'GET', path: '/v1/files/{n}', perSecond: 3 };
const secondPages = { method: 'GET', path: '/v1/tasks/page/{n}', perSecond: 9 };
const longTasks = { method: 'POST', path: '/v1/tasks', perSecond: 0.3, body: '{"pasted":true,"text":"a log"}' };
const moreTasks = { method: 'POST', path: '/v1/tasks', perSecond: 3 };
const hooks = {
  ...{ method: 'POST', path: '/v1/hooks/payments', perSecond: 3, body: '{"event":"paid"}' },
  clients: ['127.0.66.50', '127.0.66.51'],
};
/** Numbers that begin so: 22 of 500. */
const someFiles = ['/v1/files/48', '/v1/files/49'];

export const usualTeam = async (lab: Lab): Promise<void> => lab.behaveUsually('team');

/** 120 responses that say what a browser may load already, and then the page. */
const manyHints = `${'HTTP/1.1 103 Early Hints\r\nLink: </p.jpg>; rel=preload; as=image\r\n\r\n'.repeat(120)}HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 4\r\nConnection: close\r\n\r\npage`;
/** The name of a file that was pasted has a line break and the rest of the line. */
const brokenName =
  'HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\nContent-Disposition: inline; filename="plan\nof May.jpg"\r\nContent-Length: 4\r\nConnection: close\r\n\r\nfile';

/** Answers that are wrong, or that the gateway cannot read. */
export const sixthAnswerOutages: readonly Outage[] = [
  outage('framework-update-bounds-bodies', 'framework_limit', {
    what: 'A script restarts both processes with a newer framework, which takes smaller bodies than the old one: one of 25 new tasks has a long text, and gets 413.',
    marks: ['low rate', 'no 5xx'],
    harm: ['different'],
    suspects: ['changed_responses', 'release'],
    side: 'application',
    names: ['tasks'],
    setup: team(pair, { flows: teamFlows({ longTasks, moreTasks }) }),
    seconds: 115,
    begin: async (lab) => {
      lab.behave('team', { rules: [{ path: '/v1/tasks', contains: 'pasted', status: 413, bytes: 90 }] });
      for (const one of ['team-1', 'team-2']) await lab.restart(one);
    },
    end: usualTeam,
  }),
  outage('cursors-are-signed-by-each-process', 'cursors', {
    what: 'Each process signs the cursors of long lists with a key that it makes when it starts. After a restart half of all further pages are 400, since the other process has made the cursor.',
    marks: ['no 5xx'],
    harm: ['different'],
    suspects: ['changed_responses'],
    side: 'application',
    names: ['tasks'],
    setup: team(pair, { flows: teamFlows({ secondPages }) }),
    begin: async (lab) => {
      lab.behave('team', { rules: [{ path: '/v1/tasks/page', share: 0.5, status: 400, bytes: 70 }] });
      for (const one of ['team-1', 'team-2']) await lab.restart(one);
    },
    end: usualTeam,
  }),
  outage('cache-answers-not-modified', 'not_modified', {
    what: 'A cache of the application mixes requests up: one of 25 browsers that have no copy of a script or style gets 304, and a page without it.',
    marks: ['low rate', 'no 5xx'],
    harm: ['different'],
    suspects: ['changed_responses'],
    side: 'application',
    names: ['static'],
    setup: shop(pair, { flows: { ...usual, scripts } }),
    seconds: 115,
    begin: async (lab) => lab.behave('shop', { rules: [{ path: '/static', share: 0.04, status: 304, bytes: 0 }] }),
    end: usualShop,
  }),
  outage('large-files-come-as-first-parts', 'partial_content', {
    what: 'The library of the store of files reads the first 64 kB of larger files and stops: one of 22 files comes as 206, although the whole was asked for.',
    marks: ['low rate', 'no 5xx'],
    harm: ['different'],
    suspects: ['changed_responses', 'dependency'],
    side: 'application',
    names: ['files'],
    setup: team(pair, { flows: teamFlows({ moreFiles }) }),
    seconds: 115,
    begin: async (lab) =>
      lab.behave('team', {
        rules: someFiles.map((path) => ({
          ...{ path, status: 206, bytes: 65_536 },
          headers: { 'content-range': 'bytes 0-65535/120000' },
        })),
      }),
    end: usualTeam,
  }),
  outage('web-server-sends-the-programs', 'served_source', {
    what: 'An upgrade of the hosts removed the interpreter from their web servers: pages and products come as the text of their programs, 200.',
    marks: ['no 5xx'],
    harm: ['different'],
    suspects: ['changed_responses'],
    side: 'application',
    names: ['products|pages'],
    setup: shop(),
    begin: async (lab) => {
      const program = { status: 200, type: 'text/plain', bytes: 1900, latencyMs: 1 };
      const others = ['/api', '/search', '/static', '/reports', '/healthz', '/ws', '/events'];
      lab.behave('shop', { rules: [...others.map((path) => ({ path })), { path: '/', ...program }] });
    },
    end: usualShop,
  }),
  outage('parts-of-the-index-are-missing', 'partial_results', {
    what: 'Three of four nodes of the search engine have left their cluster. It answers with what the last one finds, 200, and says so in a part of the answer that the application does not read.',
    marks: ['no 5xx'],
    harm: ['different'],
    suspects: ['changed_responses', 'dependency'],
    side: 'application',
    names: ['search'],
    setup: shop(),
    begin: async (lab) =>
      lab.behave('shop', {
        rules: [
          { path: '/search/suggest', bytes: 140 },
          { path: '/search', bytes: 1100 },
        ],
      }),
    end: usualShop,
  }),
  outage('pages-with-many-pictures-hint-too-often', 'interim_responses', {
    what: 'A plug-in sends an interim response for each picture of a page. The few products with more than a hundred pictures cannot be shown any more.',
    marks: ['low rate'],
    suspects: ['invalid_responses', 'gateway_limit'],
    side: 'application',
    names: ['products'],
    setup: shop(pair, { flows: { ...usual, moreProducts } }),
    seconds: 115,
    begin: async (lab) => lab.behave('shop', { rules: [{ path: '/products/5', raw: manyHints }] }),
    end: usualShop,
  }),
  outage('names-of-files-break-the-head', 'malformed_header', {
    what: 'A new form lets line breaks into names of files, and the application writes names into the head of its answers: one of 22 files cannot be read.',
    marks: ['low rate'],
    suspects: ['invalid_responses'],
    side: 'application',
    names: ['files'],
    setup: team(managed, { flows: teamFlows({ moreFiles }) }),
    seconds: 115,
    begin: async (lab) => lab.behave('team', { rules: someFiles.map((path) => ({ path, raw: brokenName })) }),
    end: usualTeam,
  }),
  outage('updater-leaves-the-maintenance-on', 'stuck_maintenance', {
    what: 'The updater of the shop program writes a file that closes the shop, breaks off, and leaves it there: every page and call is 503 with a note. Files and the page of the check come from the web server.',
    suspects: ['application_errors', 'lying_check'],
    side: 'application',
    names: [],
    setup: shop(),
    begin: async (lab) =>
      lab.behave('shop', {
        rules: [
          { path: '/healthz' },
          { path: '/static' },
          { status: 503, type: 'text/html', bytes: 210, latencyMs: 2, headers: { 'retry-after': '600' } },
        ],
      }),
    end: usualShop,
  }),
  outage('licence-ends-at-midnight', 'licence', {
    what: 'The licence of the program ends at midnight. It can be read still, and answers 402 to whoever changes something.',
    marks: ['no 5xx'],
    harm: ['different'],
    suspects: ['changed_responses'],
    side: 'application',
    names: ['tasks|comments'],
    setup: team(managed),
    begin: async (lab) =>
      lab.behave('team', {
        rules: ['POST', 'PATCH'].map((method) => ({
          ...{ path: '/v1', method, status: 402, bytes: 95, latencyMs: 3 },
          prints: 'licence: the term has ended, read-only mode',
        })),
      }),
    end: usualTeam,
  }),
  outage('hooks-are-refused-after-a-rotation', 'webhooks', {
    what: 'The secret of the hooks was rotated in the application, but not at the payment provider: each of its calls is 401. The provider sends them again, more and more.',
    marks: ['no 5xx'],
    harm: ['different'],
    suspects: ['changed_responses'],
    side: 'application',
    names: ['hooks'],
    setup: team(pair, { flows: teamFlows({ hooks }) }),
    begin: async (lab) => {
      lab.behave('team', { rules: [{ path: '/v1/hooks', status: 401, bytes: 40, latencyMs: 2 }] });
      lab.sendToo({ hooks: { ...hooks, perSecond: 6 } });
    },
    end: async (lab) => {
      await usualTeam(lab);
      lab.sendUsual();
    },
  }),
];
