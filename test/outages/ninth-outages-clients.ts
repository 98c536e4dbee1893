import { courseFlows, courses } from './courses.ts';
import type { Flow } from './flows.ts';
import { afterwards } from './fourth-waves.ts';
import { meters } from './meters.ts';
import { asBefore } from './ninth-outages-answers.ts';
import type { Outage } from './outage.ts';
import { outage } from './outage-form.ts';
import { pair, single } from './shop.ts';
import { team } from './team.ts';

const draft: Flow = { method: 'PUT', path: '/drafts/{n}', perSecond: 5 };
const withPictures = `{"text":"<img src='data:image/png;base64,${'iVBOR'.repeat(30_000)}'>"}`;
const recordings: Flow = {
  ...{ method: 'POST', path: '/submissions', perSecond: 4, timeoutMs: 30_000 },
  ...{ body: `{"recording":"${'UklGR'.repeat(50_000)}"}`, bodyMs: 9000 },
};
const clocks: Flow = { method: 'GET', path: '/m/clock', perSecond: 12 };
const bot = (client: string, perSecond: number): Flow => ({
  ...{ method: 'POST', path: '/v1/comments', perSecond, clients: [client] },
  isOutsider: true,
});

/** What clients do, on purpose or not. */
export const ninthClientOutages: readonly Outage[] = [
  outage('editor-puts-pictures-into-texts', 'request_size', {
    what: 'A new editor in the app writes pictures into the text itself, and saves it every few seconds: 150 kB in place of twenty bytes, five times a second. The application looks through each text for 220 ms, and does nothing else meanwhile.',
    marks: ['no 5xx'],
    harm: ['slow'],
    suspects: ['slow_application', 'traffic_growth'],
    side: 'client',
    names: ['drafts|learn'],
    setup: courses(),
    begin: async (lab) => {
      lab.behave('learn', { rules: [{ path: '/drafts', contains: 'data:image', blockMs: 220 }] });
      lab.send(courseFlows({ 'PUT /drafts/{n}': { ...draft, body: withPictures } }));
    },
    end: asBefore('learn'),
  }),
  outage('recordings-come-over-bad-lines', 'slow_uploads', {
    what: 'An exercise in speaking: students send recordings of 250 kB from their phones, nine seconds each. The gateway may have 16 connections to the service, and those who hand in a text, or read what they got for it, get 503.',
    harm: ['slow'],
    suspects: ['pool_full', 'traffic_growth'],
    side: 'gateway',
    names: ['grader|submissions'],
    setup: courses({ grader: { ...single, keys: { connections: { max: 16, queue_max: 8, queue_timeout: '1s' } } } }),
    begin: async (lab) => lab.sendToo({ recordings }),
    end: asBefore(),
  }),
  outage('clocks-of-a-third-of-the-meters-are-wrong', 'device_clocks', {
    what: 'The time server of a mobile network is an hour late. Its meters sign what they send with their time, and the application takes it for too old: 401 to first one and then ten of thirty, which ask for the time again and again.',
    marks: ['no 5xx'],
    harm: ['different'],
    suspects: ['changed_responses', 'one_client'],
    side: 'client',
    names: ['readings|m'],
    setup: meters(),
    begin: async (lab) => {
      for (const [index, client] of ['127.0.66.21', '127.0.66.2'].entries()) {
        const refused = { client, status: 401, bytes: 80, latencyMs: 2 };
        const rules = ['/m/readings', '/m/commands'].map((path) => ({ path, ...refused }));
        afterwards(index * 6000, () => lab.behave('intake', { rules }));
      }
      lab.sendToo({ clocks });
    },
    end: asBefore('intake'),
  }),
  outage('two-bots-answer-each-other', 'bot_loop', {
    what: 'Two companies let a program answer each comment, and both were added to one project. Each answers what the other has written, faster and faster, until the application is too slow for all.',
    harm: ['slow'],
    suspects: ['one_client', 'traffic_growth'],
    side: 'client',
    names: ['127.0.66.98|127.0.66.99'],
    setup: team({
      ...pair,
      behaviour: { capacity: 3, queueMax: 60, rules: [{ path: '/v1/comments', latencyMs: 50 }] },
    }),
    begin: async (lab) => {
      for (const [index, perSecond] of [3, 8, 20, 45, 90].entries())
        afterwards(index * 4000, () =>
          lab.sendToo({ one: bot('127.0.66.98', perSecond), other: bot('127.0.66.99', perSecond) }),
        );
    },
    end: asBefore(),
  }),
];
